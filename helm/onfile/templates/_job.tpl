{{/* What comes before the workloads: (dict "root" $ "name" "bootstrap"). */}}

{{/*
Annotations of what the bootstrap Job needs: (dict "root" $ "weight" "-10"). As a hook it runs before everything else of the
release exists, therefore it gets a ServiceAccount, a ConfigMap and a NetworkPolicy of its own, hooks too, of lower weight.
*/}}
{{- define "onfile.bootstrapAnnotations" -}}
{{- if .root.Values.bootstrap.hooks }}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: {{ ternary "before-hook-creation" "before-hook-creation,hook-succeeded" (eq .weight "-5") }}
{{- end }}
{{- end -}}

{{/* Name of the Job. Without hooks it carries its content, since a Job cannot be changed. */}}
{{- define "onfile.bootstrapJobName" -}}
{{- $name := include "onfile.workload.fullname" . -}}
{{- if .root.Values.bootstrap.hooks -}}
{{- $name -}}
{{- else -}}
{{- $content := list (include "onfile.config" .) (include "onfile.image" .root) (toJson .root.Values.bootstrap) (toJson .root.Values.secrets) | join "\n" -}}
{{- printf "%s-%s" $name ($content | sha256sum | trunc 8) -}}
{{- end -}}
{{- end -}}

{{/* A container that runs one command: (dict "root" $ "values" table "secrets" table "name" name "args" list). */}}
{{- define "onfile.commandContainer" -}}
- name: {{ .name }}
  image: {{ include "onfile.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: {{ toJson .args }}
  env:
    {{- include "onfile.environment" . | nindent 4 }}
  {{- with .values.extraEnvFrom }}
  envFrom:
    {{- tpl (toYaml .) $.root | nindent 4 }}
  {{- end }}
  {{- with .root.Values.containerSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    {{- include "onfile.mounts" .secrets | nindent 4 }}
{{- end -}}
