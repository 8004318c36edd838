{{/* The parts of a pod that all components have: (dict "root" $ "key" "scimApi" "component" "scim-api") */}}

{{- define "rollcall.podMetadata" -}}
{{- $values := get .root.Values .key -}}
labels:
  {{- include "rollcall.labels" . | nindent 2 }}
  {{- with $values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- if or $values.podAnnotations (ne .component "migration") }}
annotations:
  {{- if ne .component "migration" }}
  # A changed ConfigMap replaces the pods.
  checksum/settings: {{ include "rollcall.settings" .root | sha256sum }}
  {{- end }}
  {{- with $values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "rollcall.podSettings" -}}
{{- $values := get .root.Values .key -}}
automountServiceAccountToken: false
# Variables of Services, such as ROLLCALL_SCIM_API_PORT, would look like settings.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - {name: {{ . | quote }}}
  {{- end }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with get $values "priorityClassName" }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Spreads the replicas over zones, then over nodes. */}}
{{- define "rollcall.spread" -}}
{{- $values := get .root.Values .key -}}
topologySpreadConstraints:
  {{- with $values.topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  {{- range $topology := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ $topology }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "rollcall.selector" $ | nindent 8 }}
    {{- if eq $.component "scim-api" }}
    # Pods of the former version do not count during an update.
    matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
  {{- end }}
{{- end -}}

{{- define "rollcall.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* The probes. All replicas depend on the same database and brokers, so a short failure of these must not remove all of them from a
     Service at once: (dict "failures" 6) */}}
{{- define "rollcall.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: health}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /livez, port: health}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: health}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: {{ .failures }}
{{- end -}}

{{/* The files of a component, as pairs of mount and volume. Sources are (dict "name" "mail" "secret" "…" "items" (dict "key" "path")). */}}
{{- define "rollcall.files" -}}
{{- $values := .root.Values -}}
{{- $database := dict -}}
{{- with $values.database.authorities }}{{ if .secret }}{{ $_ := set $database .secret (dict .key "ca.crt") }}{{ end }}{{ end -}}
{{- $kafka := dict -}}
{{- if and $values.kafka.tls.enabled (ne .component "migration") -}}
{{- with $values.kafka.tls.authorities }}{{ if .secret }}{{ $_ := set $kafka .secret (dict .key "ca.crt") }}{{ end }}{{ end -}}
{{- with (get $values.kafka.users .key).certificate }}
{{- if .secret }}
{{- $_ := set $kafka .secret (merge (dict .certificateKey "user.crt" .privateKeyKey "user.key") (default dict (get $kafka .secret))) }}
{{- end }}
{{- end -}}
{{- end -}}
{{- $mail := dict -}}
{{- if has .component (list "invitation-mailer" "scimctl") -}}
{{- with $values.mail.authorities }}{{ if .secret }}{{ $_ := set $mail .secret (dict .key "ca.crt") }}{{ end }}{{ end -}}
{{- end -}}
{{- $tls := dict -}}
{{- if eq .component "scim-api" -}}
{{- with $values.scimApi.tls.secret }}{{ $_ := set $tls . (dict "tls.crt" "tls.crt" "tls.key" "tls.key") }}{{ end -}}
{{- end -}}
{{- range $name, $sources := dict "database" $database "kafka" $kafka "mail" $mail "tls" $tls }}
{{- if $sources }}
- name: {{ $name }}
  sources:
    {{- range $secret, $items := $sources }}
    - secret:
        name: {{ $secret | quote }}
        items:
          {{- range $key, $path := $items }}
          - {key: {{ $key | quote }}, path: {{ $path }}}
          {{- end }}
    {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "rollcall.volumeMounts" -}}
{{- with include "rollcall.files" . | fromYamlArray }}
volumeMounts:
  {{- range . }}
  - {name: {{ .name }}, mountPath: /etc/rollcall/{{ .name }}, readOnly: true}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "rollcall.volumes" -}}
{{- with include "rollcall.files" . | fromYamlArray }}
volumes:
  {{- range . }}
  - name: {{ .name }}
    projected:
      defaultMode: 0440
      sources: {{- toYaml .sources | nindent 8 }}
  {{- end }}
{{- end }}
{{- end -}}
