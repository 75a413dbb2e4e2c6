{{/* The pod of a workload, given as (dict "root" $ "name" "processor"). */}}

{{- define "onfile.podTemplate" -}}
{{- $root := .root -}}
{{- $values := index $root.Values .name -}}
{{- $stable := eq $values.kind "StatefulSet" -}}
{{- $secrets := include "onfile.secrets" . | fromYaml -}}
{{- $checksum := include "onfile.config" . | sha256sum -}}
{{- $annotations := dict -}}
{{- if $root.Values.rolloutOnConfigChange -}}{{- $_ := set $annotations "checksum/config" $checksum -}}{{- end -}}
{{- range $key, $value := $values.podAnnotations -}}{{- $_ := set $annotations $key $value -}}{{- end -}}
metadata:
  labels:
    {{- include "onfile.labels" . | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- include "onfile.annotations" (dict "root" $root "own" $annotations "indent" 2) }}
spec:
  serviceAccountName: {{ include "onfile.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ $root.Values.terminationGracePeriodSeconds }}
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- if $values.topologySpreadConstraints }}
    {{- toYaml $values.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - topologyKey: {{ $key }}
      maxSkew: 1
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "onfile.selectorLabels" $ | nindent 10 }}
    {{- end }}
    {{- end }}
  {{- with $values.initContainers }}
  initContainers:
    {{- tpl (toYaml .) $root | nindent 4 }}
  {{- end }}
  containers:
    - name: onfile
      image: {{ include "onfile.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      {{- if $root.Values.diagnosticMode.enabled }}
      command: [/usr/local/bin/node, -e, 'setInterval(() => {}, 1e9)']
      {{- else }}
      args: [run]
      {{- end }}
      env:
        {{- include "onfile.environment" (dict "root" $root "values" $values "secrets" $secrets) | nindent 8 }}
        {{- if $stable }}
        # A pod that comes back under its name gets its partitions back, and nothing else moves.
        - name: ONFILE_KAFKA_GROUP_INSTANCE_ID
          valueFrom: { fieldRef: { fieldPath: metadata.name } }
        {{- if not (include "onfile.isSet" (dict "root" $root "name" $.name "path" "admin.advertisedUrl")) }}
        # Its name through the headless service: another pod that is asked for a user of this one sends the caller here.
        - name: ONFILE_ADMIN_ADVERTISED_URL
          value: http://$(ONFILE_KAFKA_GROUP_INSTANCE_ID).{{ include "onfile.workload.fullname" . }}.{{ $root.Release.Namespace }}.svc.{{ $root.Values.clusterDomain }}:{{ include "onfile.adminPort" . }}
        {{- end }}
        {{- end }}
      {{- with $values.extraEnvFrom }}
      envFrom:
        {{- tpl (toYaml .) $root | nindent 8 }}
      {{- end }}
      ports:
        - name: admin
          containerPort: {{ include "onfile.adminPort" . }}
      {{- if not $root.Values.diagnosticMode.enabled }}
      {{- range $probe := list "startupProbe" "livenessProbe" "readinessProbe" }}
      {{- with index $root.Values $probe }}
      {{ $probe }}:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- end }}
      {{- end }}
      {{- with $root.Values.containerSecurityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        {{- include "onfile.mounts" $secrets | nindent 8 }}
        - name: state
          mountPath: /var/lib/onfile
        {{- with $values.extraVolumeMounts }}
        {{- tpl (toYaml .) $root | nindent 8 }}
        {{- end }}
    {{- with $values.extraContainers }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "onfile.volumes" (dict "root" $root "configMap" (include "onfile.workload.fullname" .) "secrets" $secrets) | nindent 4 }}
    {{- if $values.persistence.existingClaim }}
    - name: state
      persistentVolumeClaim: { claimName: {{ $values.persistence.existingClaim }} }
    {{- else if not $values.persistence.enabled }}
    - name: state
      emptyDir: { sizeLimit: {{ $root.Values.emptyDirSize }} }
    {{- end }}
    {{- with $values.extraVolumes }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* Variables of every pod: (dict "root" $ "values" with extraEnv "secrets" table). */}}
{{- define "onfile.environment" -}}
- name: ONFILE_CONFIG
  value: /etc/onfile/config/onfile.yaml
{{- include "onfile.secretVariables" . }}
{{- with .root.Values.nodeOptions }}
- name: NODE_OPTIONS
  value: {{ . | quote }}
{{- end }}
{{- with .values.extraEnv }}
{{ tpl (toYaml .) $.root }}
{{- end }}
{{- end -}}

{{/* Mounts of every pod; given the secrets. */}}
{{- define "onfile.mounts" -}}
- name: config
  mountPath: /etc/onfile/config
  readOnly: true
{{- if . }}
- name: secrets
  mountPath: /etc/onfile/secrets
  readOnly: true
{{- end }}
- name: tmp
  mountPath: /tmp
{{- end -}}

{{/* Volumes of every pod: (dict "root" $ "configMap" name "secrets" table). */}}
{{- define "onfile.volumes" -}}
- name: config
  configMap: { name: {{ .configMap }} }
{{- if .secrets }}
{{ include "onfile.secretVolume" . }}
{{- end }}
- name: tmp
  emptyDir: { sizeLimit: {{ .root.Values.tmpSize }} }
{{- end -}}

{{- define "onfile.adminPort" -}}
{{- $config := include "onfile.givenConfig" . | fromYaml -}}
{{- $config.admin.port | int -}}
{{- end -}}
