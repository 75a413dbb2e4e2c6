{{/* Names and labels. A workload is given as (dict "root" $ "name" "processor"). */}}

{{- define "onfile.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough that a pod's name with workload and ordinal stays a label. */}}
{{- define "onfile.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "onfile.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "onfile.workload.fullname" -}}
{{- printf "%s-%s" (include "onfile.fullname" .root) .name -}}
{{- end -}}

{{/* The workloads that are installed. */}}
{{- define "onfile.workloads" -}}
{{- $names := list -}}
{{- range $name := list "ingest" "processor" "provisioner" -}}
{{- if (index $.Values $name).enabled -}}{{- $names = append $names $name -}}{{- end -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{/* Roles of a workload, as a list in JSON. */}}
{{- define "onfile.roles" -}}
{{- if and (eq .name "provisioner") .root.Values.taskFlow.enabled -}}["provision","switcher"]
{{- else if eq .name "provisioner" -}}["provision"]
{{- else if eq .name "bootstrap" -}}["decide"]
{{- else if eq .name "ingest" -}}["ingest"]
{{- else if .root.Values.ingest.enabled -}}["decide"]
{{- else -}}["ingest","decide"]
{{- end -}}
{{- end -}}

{{- define "onfile.selectorLabels" -}}
app.kubernetes.io/name: {{ include "onfile.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{/* Labels of everything: (dict "root" $ "name" component). */}}
{{- define "onfile.labels" -}}
{{ include "onfile.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: onfile
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Annotations, on lines of their own or nothing: (dict "root" $ "own" table "indent" 2). */}}
{{- define "onfile.annotations" -}}
{{- $all := dict -}}
{{- range $key, $value := .root.Values.commonAnnotations -}}{{- $_ := set $all $key $value -}}{{- end -}}
{{- range $key, $value := .own -}}{{- $_ := set $all $key $value -}}{{- end -}}
{{- if $all -}}
{{- printf "annotations:\n%s" (toYaml $all | indent 2) | nindent (int .indent) -}}
{{- end -}}
{{- end -}}

{{- define "onfile.image" -}}
{{- $image := .Values.image -}}
{{- $registry := default $image.registry .Values.global.imageRegistry -}}
{{- $name := ternary (printf "%s/%s" $registry $image.repository) $image.repository (ne $registry "") -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "onfile.serviceAccountName" -}}
{{- $account := (index .root.Values .name).serviceAccount -}}
{{- if $account.create -}}
{{- default (include "onfile.workload.fullname" .) $account.name -}}
{{- else -}}
{{- default "default" $account.name -}}
{{- end -}}
{{- end -}}
