{{/* Settings that say where a system is: path -> system of networkPolicy. */}}
{{- define "onfile.addresses" -}}
kafka.brokers: kafka
kafka.sasl.tokenUrl: token
registry.url: registry
directory.url: directory
vault.url: vault
knot.url: knot
knot.secureUrl: knot
{{- end -}}

{{/*
A NetworkPolicy takes its ports from `config`. An address that comes by a variable, which wins over it, is not seen there: the
pod would start and reach nothing.
*/}}
{{- define "onfile.validateEgress" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- if $policy.enabled -}}
{{- $workload := index .root.Values .name -}}
{{- $systems := include "onfile.systems" . | fromJsonArray -}}
{{- $configured := include "onfile.configuredPorts" . | fromJson -}}
{{- range $path, $system := include "onfile.addresses" . | fromYaml -}}
{{- $blind := and (has $system $systems) (not (index $policy $system).ports) -}}
{{- $variable := include "onfile.variable" $path -}}
{{- range $workload.extraEnv -}}
{{- if and $blind (eq .name $variable) -}}
{{- fail (printf "%s.extraEnv has %s, and the NetworkPolicy cannot see its port: set config.%s instead, or networkPolicy.%s.ports" $.name $variable $path $system) -}}
{{- end -}}
{{- end -}}
{{- if and $blind (has $path (list "kafka.brokers" "registry.url" "vault.url" "knot.url")) (not (get $configured $system)) -}}
{{- fail (printf "%s has no config.%s, so the NetworkPolicy cannot see its port: set it, or networkPolicy.%s.ports where %s.extraEnvFrom gives the address" $.name $path $system $.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
