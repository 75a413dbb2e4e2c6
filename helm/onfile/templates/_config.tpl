{{/* Configuration and secrets of a workload, given as (dict "root" $ "name" "processor"). */}}

{{/* Settings given to a workload, its own winning key by key, before what the chart sets itself. */}}
{{- define "onfile.givenConfig" -}}
{{- mergeOverwrite (deepCopy .root.Values.config) (index .root.Values .name).config | toYaml -}}
{{- end -}}

{{/*
onfile.yaml of a workload. Knot's settings go to the provisioner only; what looks users up is told where the directory is,
since the vault's token, which would be the directory's too, is not for it.
*/}}
{{- define "onfile.config" -}}
{{- $config := include "onfile.givenConfig" . | fromYaml -}}
{{- $roles := include "onfile.roles" . | fromJsonArray -}}
{{- if not (has "provision" $roles) -}}
{{- $config = omit $config "knot" -}}
{{- $vault := default dict $config.vault -}}
{{- $directory := default dict $config.directory -}}
{{- if and $vault.url (not $directory.url) -}}
{{- $_ := set $config "directory" (merge (dict "url" $vault.url) $directory) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $config "roles" $roles -}}
{{- $_ := set $config "state" (dict "dir" "/var/lib/onfile/state") -}}
{{- toYaml $config -}}
{{- end -}}

{{/* Files out of Secrets of a workload: path of the setting -> { name, key }. Null takes one away. */}}
{{- define "onfile.secrets" -}}
{{- $merged := mergeOverwrite (deepCopy .root.Values.secrets) (index .root.Values .name).secrets -}}
{{- $secrets := dict -}}
{{- range $path, $secret := $merged -}}
{{- if $secret -}}{{- $_ := set $secrets $path $secret -}}{{- end -}}
{{- end -}}
{{- toYaml $secrets -}}
{{- end -}}

{{/* kafka.sasl.password -> ONFILE_KAFKA_SASL_PASSWORD */}}
{{- define "onfile.variable" -}}
{{- printf "ONFILE_%s" (regexReplaceAll "([A-Z])" . "_${1}" | replace "." "_" | upper) -}}
{{- end -}}

{{/* Whether a setting is given in any way: (dict "root" $ "name" workload "path" "knot.url"). Text "true" or nothing. */}}
{{- define "onfile.isSet" -}}
{{- $workload := index .root.Values .name -}}
{{- $value := include "onfile.givenConfig" . | fromYaml -}}
{{- $file := $value -}}
{{- $parts := splitList "." .path -}}
{{- range $index, $part := $parts -}}
{{- $last := eq (add1 $index) (len $parts) -}}
{{- if $last -}}{{- $file = get (default dict $file) (printf "%sFile" $part) -}}
{{- else -}}{{- $file = get (default dict $file) $part -}}{{- end -}}
{{- $value = get (default dict $value) $part -}}
{{- if not $last -}}{{- $value = default dict $value -}}{{- $file = default dict $file -}}{{- end -}}
{{- end -}}
{{- $variable := include "onfile.variable" .path -}}
{{- $byVariable := false -}}
{{- range $workload.extraEnv -}}
{{- if or (eq .name $variable) (eq .name (printf "%s_FILE" $variable)) -}}{{- $byVariable = true -}}{{- end -}}
{{- end -}}
{{- $secrets := include "onfile.secrets" . | fromYaml -}}
{{- if or $value $file $byVariable $workload.extraEnvFrom (hasKey $secrets .path) -}}true{{- end -}}
{{- end -}}

{{/* The volume of a workload's secrets: one file per setting, named after it. */}}
{{- define "onfile.secretVolume" -}}
- name: secrets
  projected:
    # 0440, for the group of the pod.
    defaultMode: 288
    sources:
      {{- range $path, $secret := .secrets }}
      - secret:
          name: {{ $secret.name }}
          items:
            - key: {{ $secret.key }}
              path: {{ $path }}
      {{- end }}
{{- end -}}

{{- define "onfile.secretVariables" -}}
{{- range $path, $secret := .secrets }}
- name: {{ include "onfile.variable" $path }}_FILE
  value: /etc/onfile/secrets/{{ $path }}
{{- end }}
{{- end -}}

{{/* Seconds of a duration like 250ms, 30s, 10m, 24h or 7d. */}}
{{- define "onfile.seconds" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- if eq $unit "ms" -}}{{- div (add $number 999) 1000 -}}
{{- else -}}{{- mul $number (get (dict "s" 1 "m" 60 "h" 3600 "d" 86400) $unit) -}}
{{- end -}}
{{- end -}}
