{{/* Names of all topics as configured, by key, in JSON. Given the root. */}}
{{- define "onfile.topicNames" -}}
{{- $config := include "onfile.config" (dict "root" . "name" "bootstrap") | fromYaml -}}
{{- $application := default "onfile" (default dict $config.application).id -}}
{{- $given := default dict $config.topics -}}
{{- $names := dict -}}
{{- range $topic := .Files.Get "files/topics.json" | fromJsonArray -}}
{{- $prefix := ternary (printf "%s-" $application) "" $topic.ownName -}}
{{- $_ := set $names $topic.key (default (printf "%s%s" $prefix $topic.name) (get $given $topic.key)) -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}
