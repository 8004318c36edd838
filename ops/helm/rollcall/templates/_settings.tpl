{{/* A value as the text of an environment variable. Helm reads numbers as floating point; JSON has no exponent for them. */}}
{{- define "rollcall.text" -}}
{{- if kindIs "string" . -}}{{ . | quote }}{{- else -}}{{ . | toJson | quote }}{{- end -}}
{{- end -}}

{{/* The value of the chart for each setting that the chart makes from its values. */}}
{{- define "rollcall.ownSettings" -}}
ROLLCALL_CURSOR_KEY: keys.cursor
ROLLCALL_DATABASE_CONNECTIONS: database.connections
ROLLCALL_DATABASE_FEED_URL: database.roles.scimApiFeed
ROLLCALL_DATABASE_READ_URL: database.readReplica
ROLLCALL_DATABASE_URL: database
ROLLCALL_HEALTH_HOST: nothing, since the probes need it
ROLLCALL_HEALTH_PORT: nothing, since the probes need it
ROLLCALL_HTTP_HOST: nothing, since the Service needs it
ROLLCALL_HTTP_PORT: nothing, since the Service needs it
ROLLCALL_HTTP_PUBLIC_URL: publicURL
ROLLCALL_HTTP_TLS_CERTIFICATE: scimApi.tls.secret
ROLLCALL_HTTP_TLS_KEY: scimApi.tls.secret
ROLLCALL_HTTP_TRUSTED_PROXIES: scimApi.trustedProxies
ROLLCALL_KAFKA: kafka.brokers
ROLLCALL_KAFKA_PROPERTIES: kafka.tls, kafka.sasl or kafka.properties
ROLLCALL_KAFKA_SESSION_TIMEOUT: kafka.sessionTimeout
ROLLCALL_LOG_LEVEL: logLevel
ROLLCALL_MAIL_FROM: mail.from
ROLLCALL_MAIL_OPERATOR_ADDRESS: mail.operatorAddress
ROLLCALL_OAUTH_KEY: keys.oauth
ROLLCALL_OTLP_ENDPOINT: traces.endpoint
ROLLCALL_OTLP_HEADERS: traces.headers
ROLLCALL_REPLICA: nothing, since it is the ordinal of the pod
ROLLCALL_REQUEST_DEADLINE: kafka.requestDeadline
ROLLCALL_SCIM_URL: publicURL
ROLLCALL_SECURITY_ISSUER: publicURL
ROLLCALL_SECURITY_SIGNING_KEY: keys.securitySigning
ROLLCALL_SHUTDOWN_SECONDS: shutdownSeconds of the component
ROLLCALL_SMTP_AUTHORITIES: mail.authorities
ROLLCALL_SMTP_PASSWORD: mail.password
ROLLCALL_SMTP_TLS: mail.tls
ROLLCALL_SMTP_URL: mail.url
ROLLCALL_SMTP_USER: mail.user
ROLLCALL_TOMBSTONE_FORMER_KEY: keys.tombstoneFormer
ROLLCALL_TOMBSTONE_KEY: keys.tombstone
ROLLCALL_TOPIC_PARTITIONS: kafka.partitions
ROLLCALL_TOPIC_REPLICATION: kafka.replication
ROLLCALL_TRACES_PER_SECOND: traces.perSecond
ROLLCALL_WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: groupSync.allowPrivateAddresses
ROLLCALL_WEBHOOK_KEY: keys.webhook
{{- end -}}

{{/* Fails if a setting of the values is one of these, since it would be set twice. */}}
{{- define "rollcall.checkSetting" -}}
{{- $own := include "rollcall.ownSettings" . | fromYaml -}}
{{- if hasKey $own . }}{{ fail (printf "do not set %s in settings; use %s" . (get $own .)) }}{{ end -}}
{{- end -}}

{{/* The settings that all processes share, as the data of a ConfigMap. libpq reads PG…. */}}
{{- define "rollcall.settings.database" -}}
{{- $database := .Values.database -}}
PGHOST: {{ required "database.host is required" $database.host | quote }}
PGPORT: {{ include "rollcall.text" $database.port }}
PGDATABASE: {{ $database.name | quote }}
PGSSLMODE: {{ $database.sslMode | quote }}
{{- if $database.authorities.secret }}
PGSSLROOTCERT: /etc/rollcall/database/ca.crt
{{- else if hasPrefix "verify" $database.sslMode }}
PGSSLROOTCERT: /etc/ssl/certs/ca-certificates.crt
{{- end }}
{{- end -}}

{{- define "rollcall.settings" -}}
{{ include "rollcall.settings.database" . }}
ROLLCALL_KAFKA: {{ required "kafka.brokers is required" .Values.kafka.brokers | quote }}
ROLLCALL_TOPIC_PARTITIONS: {{ include "rollcall.text" .Values.kafka.partitions }}
ROLLCALL_TOPIC_REPLICATION: {{ include "rollcall.text" .Values.kafka.replication }}
ROLLCALL_KAFKA_SESSION_TIMEOUT: {{ include "rollcall.text" .Values.kafka.sessionTimeout }}
ROLLCALL_DATABASE_CONNECTIONS: {{ include "rollcall.text" .Values.database.connections }}
ROLLCALL_LOG_LEVEL: {{ .Values.logLevel }}
{{- with .Values.traces }}
{{- if .endpoint }}
ROLLCALL_OTLP_ENDPOINT: {{ .endpoint | quote }}
ROLLCALL_TRACES_PER_SECOND: {{ include "rollcall.text" .perSecond }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- include "rollcall.checkSetting" $name }}
{{ $name }}: {{ include "rollcall.text" $value }}
{{- end }}
{{- end -}}

{{/* A variable from a Secret: (dict "name" "ROLLCALL_…" "secret" "…" "key" "…") */}}
{{- define "rollcall.secretVariable" -}}
- name: {{ .name }}
  valueFrom: {secretKeyRef: {name: {{ .secret | quote }}, key: {{ .key | quote }}}}
{{- end -}}

{{/* A database URL with the password of a role: (dict "root" $ "role" "scimApi" "setting" "ROLLCALL_DATABASE_URL" "password" "DATABASE_PASSWORD").
     The other parameters are in the PG… variables. */}}
{{- define "rollcall.databaseURL" -}}
{{- $role := get .root.Values.database.roles .role -}}
{{ include "rollcall.secretVariable" (dict "name" .password "secret" $role.secret "key" $role.key) }}
- name: {{ .setting }}
  value: {{ printf "user=%s password='$(%s)'%s" $role.name .password (include "rollcall.databaseParameters" .root) | quote }}
{{- end -}}

{{- define "rollcall.databaseParameters" -}}
{{- range $name, $value := .Values.database.parameters }} {{ $name }}='{{ if kindIs "string" $value }}{{ $value }}{{ else }}{{ $value | toJson }}{{ end }}'{{ end -}}
{{- end -}}

{{/* A variable with a key of the suite, if the values name it: (dict "root" $ "name" "ROLLCALL_…" "key" "webhook") */}}
{{- define "rollcall.keyVariable" -}}
{{- $key := get .root.Values.keys .key -}}
{{- if $key }}
{{ include "rollcall.secretVariable" (dict "name" .name "secret" .root.Values.keys.secret "key" $key) }}
{{- end }}
{{- end -}}

{{/* The Kafka properties of a process: (dict "root" $ "key" "scimApi") */}}
{{- define "rollcall.kafkaProperties" -}}
{{- $kafka := .root.Values.kafka -}}
{{- $user := get $kafka.users .key -}}
{{- $tls := $kafka.tls.enabled -}}
{{- if $kafka.sasl.mechanism }}
{{- if not (and $user.name $user.secret) }}{{ fail (printf "kafka.sasl.mechanism needs kafka.users.%s.name and .secret" .key) }}{{ end }}
{{ include "rollcall.secretVariable" (dict "name" "KAFKA_PASSWORD" "secret" $user.secret "key" $user.passwordKey) }}
- {name: KAFKA_USER, value: {{ $user.name | quote }}}
{{- end }}
{{- if or $kafka.sasl.mechanism $tls $kafka.properties }}
- name: ROLLCALL_KAFKA_PROPERTIES
  value: |
    # One property a line, so that values may contain commas.
    security.protocol={{ ternary "SASL_" "" (ne $kafka.sasl.mechanism "") }}{{ ternary "SSL" "PLAINTEXT" $tls }}
    {{- if and $tls $kafka.tls.authorities.secret }}
    ssl.ca.location=/etc/rollcall/kafka/ca.crt
    {{- end }}
    {{- if and $tls $user.certificate.secret }}
    ssl.certificate.location=/etc/rollcall/kafka/user.crt
    ssl.key.location=/etc/rollcall/kafka/user.key
    {{- end }}
    {{- if $kafka.sasl.mechanism }}
    sasl.mechanism={{ $kafka.sasl.mechanism }}
    sasl.username=$(KAFKA_USER)
    sasl.password=$(KAFKA_PASSWORD)
    {{- end }}
    {{- range $name, $value := $kafka.properties }}
    {{ $name }}={{ if kindIs "string" $value }}{{ $value }}{{ else }}{{ $value | toJson }}{{ end }}
    {{- end }}
{{- end }}
{{- end -}}

{{/* The headers for the collector of traces, for the services. */}}
{{- define "rollcall.tracesHeaders" -}}
{{- if and .Values.traces.endpoint .Values.traces.headers.secret -}}
{{ include "rollcall.secretVariable" (dict "name" "ROLLCALL_OTLP_HEADERS" "secret" .Values.traces.headers.secret "key" .Values.traces.headers.key) }}
{{- end -}}
{{- end -}}

{{/* The settings of a component from its values: (dict "values" .Values.scimApi) */}}
{{- define "rollcall.componentSettings" -}}
{{- range $name, $value := .values.settings }}
{{- include "rollcall.checkSetting" $name }}
- {name: {{ $name }}, value: {{ include "rollcall.text" $value }}}
{{- end }}
{{- range $name, $reference := .values.secretSettings }}
{{- include "rollcall.checkSetting" $name }}
{{ include "rollcall.secretVariable" (dict "name" $name "secret" $reference.secret "key" $reference.key) }}
{{- end }}
{{- end -}}

{{/* The mail server, for invitation-mailer and scimctl. */}}
{{- define "rollcall.mail" -}}
{{- $mail := .Values.mail -}}
- {name: ROLLCALL_SMTP_URL, value: {{ required "mail.url is required" $mail.url | quote }}}
- {name: ROLLCALL_SMTP_TLS, value: {{ $mail.tls }}}
{{- if $mail.user }}
- {name: ROLLCALL_SMTP_USER, value: {{ $mail.user | quote }}}
{{ include "rollcall.secretVariable" (dict "name" "ROLLCALL_SMTP_PASSWORD" "secret" (required "mail.user needs mail.password.secret" $mail.password.secret) "key" $mail.password.key) }}
{{- end }}
{{- if $mail.authorities.secret }}
- {name: ROLLCALL_SMTP_AUTHORITIES, value: /etc/rollcall/mail/ca.crt}
{{- end }}
{{- end -}}
