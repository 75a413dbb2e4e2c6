{{/* What the schema cannot say: sentences that tell who must do what. */}}

{{- define "onfile.validate" -}}
{{- range $name := include "onfile.workloads" . | fromJsonArray -}}
{{- include "onfile.validateWorkload" (dict "root" $ "name" $name) -}}
{{- end -}}
{{- if ne .Values.bootstrap.mode "none" -}}
{{- $bootstrap := dict "root" . "name" "bootstrap" -}}
{{- include "onfile.validateCardSecrets" $bootstrap -}}
{{- include "onfile.validateInlineSecrets" $bootstrap -}}
{{- include "onfile.validateEgress" $bootstrap -}}
{{- end -}}
{{- if and (or .Values.strimzi.topics .Values.strimzi.users) (not .Values.strimzi.cluster) -}}
{{- fail "strimzi.topics and strimzi.users need strimzi.cluster: the name of the Kafka resource that they belong to" -}}
{{- end -}}
{{- if and .Values.strimzi.topics (eq .Values.bootstrap.mode "apply") -}}
{{- fail "strimzi.topics and bootstrap.mode apply both create topics: set bootstrap.mode to verify" -}}
{{- end -}}
{{- if and .Values.podMonitor.enabled .Values.serviceMonitor.enabled -}}
{{- fail "podMonitor and serviceMonitor would scrape every pod twice: enable one" -}}
{{- end -}}
{{- end -}}

{{- define "onfile.validateWorkload" -}}
{{- $root := .root -}}
{{- $name := .name -}}
{{- $values := index $root.Values $name -}}
{{- $given := include "onfile.givenConfig" . | fromYaml -}}
{{- include "onfile.validateCardSecrets" . -}}
{{- include "onfile.validateInlineSecrets" . -}}
{{- include "onfile.validateOwnSettings" . -}}
{{- range $path, $why := include "onfile.neededSettings" . | fromYaml -}}
{{- if not (include "onfile.isSet" (dict "root" $root "name" $name "path" $path)) -}}
{{- fail (printf "config.%s is required: %s" $path $why) -}}
{{- end -}}
{{- end -}}
{{- include "onfile.validateEgress" . -}}
{{- $deadline := include "onfile.seconds" $given.shutdown.deadline | int -}}
{{- $grace := int $root.Values.terminationGracePeriodSeconds -}}
{{- if lt $grace (add $deadline 10 | int) -}}
{{- fail (printf "terminationGracePeriodSeconds (%d) must be at least 10 s more than shutdown.deadline (%d s): onfile would be killed while it finishes" $grace $deadline) -}}
{{- end -}}
{{- if eq (int $given.admin.port) 0 -}}
{{- fail "config.admin.port must be a fixed port: probes and metrics are read there" -}}
{{- end -}}
{{- $persistence := $values.persistence -}}
{{- if and (eq $values.kind "Deployment") $persistence.enabled (not $persistence.existingClaim) -}}
{{- fail (printf "%s.kind Deployment has no volume per pod: set %s.persistence.enabled to false, or kind to StatefulSet" $name $name) -}}
{{- end -}}
{{- if and $persistence.existingClaim (or (gt (int $values.replicas) 1) $values.autoscaling.enabled) -}}
{{- fail (printf "%s.persistence.existingClaim is one volume for one pod: set %s.replicas to 1 without autoscaling, or leave the claims to the chart" $name $name) -}}
{{- end -}}
{{- include "onfile.validateScaling" . -}}
{{- end -}}

{{/* What the chart sets itself must not be set by somebody else. */}}
{{- define "onfile.validateOwnSettings" -}}
{{- $given := include "onfile.givenConfig" . | fromYaml -}}
{{- if hasKey $given "roles" -}}
{{- fail "config.roles is set by the chart: enable or disable processor, provisioner and ingest instead" -}}
{{- end -}}
{{- if hasKey (default dict $given.state) "dir" -}}
{{- fail "config.state.dir is set by the chart: the volume is mounted there" -}}
{{- end -}}
{{- if hasKey (default dict $given.kafka) "groupInstanceId" -}}
{{- fail "config.kafka.groupInstanceId is set by the chart to the name of each pod: two pods with one name would throw each other out" -}}
{{- end -}}
{{- end -}}

{{/* Settings without which a workload would not start: path -> why. */}}
{{- define "onfile.neededSettings" -}}
kafka.brokers: there is no Kafka without it
registry.url: schemas are kept there
{{- if eq .name "provisioner" }}
knot.url: the provisioner pushes cards there
knot.clientId: Knot knows the provisioner by it
knot.secret: give it as provisioner.secrets, Knot asks the provisioner for it
vault.url: the provisioner fetches cards there
{{- if not (include "onfile.isSet" (dict "root" .root "name" .name "path" "vault.ssl.cert")) }}
vault.token: give it as provisioner.secrets (or vault.ssl.cert and vault.ssl.key), the vault asks the provisioner for it
{{- end }}
{{- end }}
{{- if has "ingest" (include "onfile.roles" . | fromJsonArray) }}
{{- $given := include "onfile.givenConfig" . | fromYaml }}
{{- $from := default (list "directory") (get (default dict $given.ingest) "userFrom") }}
{{- if and (has "directory" (ternary (splitList "," (toString $from)) $from (kindIs "string" $from))) (not (include "onfile.isSet" (dict "root" .root "name" .name "path" "vault.url"))) }}
directory.url: users are looked up there (or take directory out of config.ingest.userFrom)
{{- end }}
{{- end }}
{{- end -}}

{{- define "onfile.validateScaling" -}}
{{- $values := index .root.Values .name -}}
{{- $scaling := $values.autoscaling -}}
{{- if $scaling.enabled -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) -}}
{{- fail (printf "%s.autoscaling.minReplicas is above maxReplicas" .name) -}}
{{- end -}}
{{- $partitions := get (default dict (include "onfile.givenConfig" . | fromYaml).topics) "partitions" -}}
{{- if and $partitions (gt (int $scaling.maxReplicas) (int $partitions)) -}}
{{- fail (printf "%s.autoscaling.maxReplicas (%d) is above config.topics.partitions (%d): the pods above it would have nothing to do" .name (int $scaling.maxReplicas) (int $partitions)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
