{{/* What rules and scraping must agree on. Given the root. */}}

{{/* The job that the chart's monitors give to all workloads. */}}
{{- define "onfile.ownJob" -}}
{{- printf "%s/%s" .Release.Namespace (include "onfile.fullname" .) -}}
{{- end -}}

{{/* The job as Prometheus has it, or nothing where only the platform knows it. */}}
{{- define "onfile.job" -}}
{{- if .Values.prometheusRule.job -}}
{{- .Values.prometheusRule.job -}}
{{- else -}}
{{- $own := or .Values.podMonitor.enabled .Values.serviceMonitor.enabled -}}
{{- range $relabeling := concat .Values.podMonitor.relabelings .Values.serviceMonitor.relabelings -}}
{{- if eq (default "" $relabeling.targetLabel) "job" -}}{{- $own = false -}}{{- end -}}
{{- end -}}
{{- if $own -}}{{- include "onfile.ownJob" . -}}{{- end -}}
{{- end -}}
{{- end -}}

{{/*
OnfileRoleAbsent with the roles that this release installs in the place of those that were seen lately, so that it also knows
of one that never came. Given (dict "root" $ "expr" the expression of the rules file).
*/}}
{{- define "onfile.roleAbsent" -}}
{{- $job := include "onfile.job" .root -}}
{{- $parts := splitList " unless " .expr -}}
{{- if and $job (eq (len $parts) 2) -}}
{{- $expected := list -}}
{{- range $name := include "onfile.workloads" .root | fromJsonArray -}}
{{- range $role := include "onfile.roles" (dict "root" $.root "name" $name) | fromJsonArray -}}
{{- $expected = append $expected (printf "label_replace(label_replace(vector(1), \"job\", %q, \"\", \"\"), \"role\", %q, \"\", \"\")" $job $role) -}}
{{- end -}}
{{- end -}}
{{- printf "(%s) unless %s" (join " or " $expected) (last $parts) -}}
{{- else -}}
{{- .expr -}}
{{- end -}}
{{- end -}}
