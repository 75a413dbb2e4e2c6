{{/* NetworkPolicy of a workload: who may come in, and whom it may reach. */}}

{{/* Port of a URL. */}}
{{- define "onfile.urlPort" -}}
{{- $parts := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $parts.host | trimPrefix ":" -}}
{{- default (ternary "443" "80" (eq $parts.scheme "https")) $port -}}
{{- end -}}

{{/* Ports of the systems as configured: system -> list of ports. */}}
{{- define "onfile.configuredPorts" -}}
{{- $config := include "onfile.config" . | fromYaml -}}
{{- $ports := dict -}}
{{- $brokers := default list $config.kafka.brokers -}}
{{- $list := list -}}
{{- range (ternary (splitList "," (toString $brokers)) $brokers (kindIs "string" $brokers)) -}}
{{- $list = append $list (regexFind "[0-9]+$" (trim .) | int) -}}
{{- end -}}
{{- $_ := set $ports "kafka" (uniq $list) -}}
{{- $urls := dict "registry" (default dict $config.registry).url "vault" (default dict $config.vault).url "knot" (default dict $config.knot).url "directory" (default dict $config.directory).url "token" (default dict $config.kafka.sasl).tokenUrl -}}
{{- range $system, $url := $urls -}}
{{- if $url -}}{{- $_ := set $ports $system (list (include "onfile.urlPort" $url | int)) -}}{{- end -}}
{{- end -}}
{{- with (default dict $config.knot).secureUrl -}}
{{- $_ := set $ports "knot" (append (get $ports "knot") (include "onfile.urlPort" . | int) | uniq) -}}
{{- end -}}
{{- toJson $ports -}}
{{- end -}}

{{/* The systems that a workload talks to. */}}
{{- define "onfile.systems" -}}
{{- $roles := include "onfile.roles" . | fromJsonArray -}}
{{- $systems := list "dns" "kafka" "registry" "token" -}}
{{- if has "ingest" $roles -}}{{- $systems = append $systems "directory" -}}{{- end -}}
{{- if has "provision" $roles -}}{{- $systems = concat $systems (list "vault" "knot") -}}{{- end -}}
{{- toJson $systems -}}
{{- end -}}

{{- define "onfile.egress" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- $configured := include "onfile.configuredPorts" . | fromJson -}}
{{- range $system := include "onfile.systems" . | fromJsonArray }}
{{- $peers := index $policy $system }}
{{- $ports := default (get $configured $system) $peers.ports }}
{{- if $ports }}
# {{ $system }}
- ports:
    {{- range $port := $ports }}
    {{- range $protocol := ternary (list "UDP" "TCP") (list "TCP") (eq $system "dns") }}
    - { protocol: {{ $protocol }}, port: {{ int $port }} }
    {{- end }}
    {{- end }}
  {{- with $peers.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- with $policy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- if eq .name "provisioner" }}
{{- with $policy.provisionerExtraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* (dict "root" $ "name" workload "annotations" table) */}}
{{- define "onfile.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "onfile.workload.fullname" . }}
  labels:
    {{- include "onfile.labels" . | nindent 4 }}
  {{- include "onfile.annotations" (dict "root" .root "own" .annotations "indent" 2) }}
spec:
  # The pod of `helm test` looks from where the workload looks.
  podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ include "onfile.name" .root }}
      app.kubernetes.io/instance: {{ .root.Release.Name }}
    matchExpressions:
      - key: app.kubernetes.io/component
        operator: In
        values: [{{ .name }}, {{ .name }}-check]
  policyTypes: [Ingress, Egress]
  {{- if eq .name "bootstrap" }}
  ingress: []
  {{- else }}
  ingress:
    - ports:
        - { protocol: TCP, port: admin }
      from:
        - podSelector:
            matchLabels:
              app.kubernetes.io/name: {{ include "onfile.name" .root }}
              app.kubernetes.io/instance: {{ .root.Release.Name }}
        {{- with .root.Values.networkPolicy.ingressFrom }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  {{- end }}
  egress:
    {{- include "onfile.egress" . | trim | nindent 4 }}
    {{- if ne .name "bootstrap" }}
    # each other's probes, for `helm test`
    - ports:
        - { protocol: TCP, port: {{ include "onfile.adminPort" . }} }
      to:
        - podSelector:
            matchLabels:
              {{- include "onfile.selectorLabels" . | nindent 14 }}
    {{- end }}
{{- end -}}
