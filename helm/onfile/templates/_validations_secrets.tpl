{{/* Whose secrets go where, and how. */}}

{{/* Cards and Knot are the provisioner's alone, whatever way their secrets, or the certificates that open the same doors, might come. */}}
{{- define "onfile.validateCardSecrets" -}}
{{- if ne .name "provisioner" -}}
{{- $workload := index .root.Values .name -}}
{{- $secrets := include "onfile.secrets" . | fromYaml -}}
{{- $config := include "onfile.givenConfig" . | fromYaml -}}
{{- range $path := list "knot.secret" "knot.ssl.cert" "knot.ssl.key" "vault.token" "vault.ssl.cert" "vault.ssl.key" -}}
{{- $given := hasKey $secrets $path -}}
{{- $variable := include "onfile.variable" $path -}}
{{- range $workload.extraEnv -}}
{{- if hasPrefix $variable .name -}}{{- $given = true -}}{{- end -}}
{{- end -}}
{{- $parts := splitList "." $path -}}
{{- $group := $config -}}
{{- range $part := initial $parts -}}{{- $group = default dict (get $group $part) -}}{{- end -}}
{{- if or (get $group (last $parts)) (get $group (printf "%sFile" (last $parts))) -}}{{- $given = true -}}{{- end -}}
{{- if $given -}}
{{- $instead := ternary " (the directory has its own: directory.token, directory.ssl)" "" (hasPrefix "vault." $path) -}}
{{- fail (printf "%s opens the way to cards and would reach the %s: give it to provisioner.secrets only%s" $path $.name $instead) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A secret written into a variable stands in the manifest, in the history of the release and in `kubectl describe`. */}}
{{- define "onfile.validateInlineSecrets" -}}
{{- $workload := index .root.Values .name -}}
{{- range $path := .root.Files.Get "files/secrets.json" | fromJsonArray -}}
{{- $variable := include "onfile.variable" $path -}}
{{- range $workload.extraEnv -}}
{{- if and (eq .name $variable) (hasKey . "value") -}}
{{- fail (printf "%s.extraEnv has %s with its value: secrets come out of Secrets, by %s.secrets (or valueFrom.secretKeyRef)" $.name $variable $.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
