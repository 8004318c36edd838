{{/* The settings that only one consumer has. */}}

{{- define "rollcall.environment.identity-store" -}}
{{ include "rollcall.keyVariable" (dict "root" . "name" "ROLLCALL_TOMBSTONE_KEY" "key" "tombstone") | trim }}
{{ include "rollcall.keyVariable" (dict "root" . "name" "ROLLCALL_TOMBSTONE_FORMER_KEY" "key" "tombstoneFormer") | trim }}
{{ include "rollcall.keyVariable" (dict "root" . "name" "ROLLCALL_OAUTH_KEY" "key" "oauth") | trim }}
{{ include "rollcall.allowPrivateAddresses" . }}
{{- end -}}

{{- define "rollcall.environment.invitation-mailer" -}}
{{ include "rollcall.mail" . }}
- {name: ROLLCALL_MAIL_FROM, value: {{ required "mail.from is required" .Values.mail.from | quote }}}
- {name: ROLLCALL_HTTP_PUBLIC_URL, value: {{ required "publicURL is required" .Values.publicURL | quote }}}
{{- with .Values.mail.operatorAddress }}
- {name: ROLLCALL_MAIL_OPERATOR_ADDRESS, value: {{ . | quote }}}
{{- end }}
{{- end -}}

{{- define "rollcall.environment.group-sync" -}}
- {name: ROLLCALL_SECURITY_ISSUER, value: {{ required "publicURL is required" .Values.publicURL | quote }}}
{{ include "rollcall.keyVariable" (dict "root" . "name" "ROLLCALL_WEBHOOK_KEY" "key" "webhook") | trim }}
{{ include "rollcall.keyVariable" (dict "root" . "name" "ROLLCALL_SECURITY_SIGNING_KEY" "key" "securitySigning") | trim }}
{{ include "rollcall.allowPrivateAddresses" . }}
{{- end -}}

{{/* identity-store checks the URLs of webhooks, and group-sync the addresses to which it connects. */}}
{{- define "rollcall.allowPrivateAddresses" -}}
- {name: ROLLCALL_WEBHOOKS_ALLOW_PRIVATE_ADDRESSES, value: {{ include "rollcall.text" .Values.groupSync.allowPrivateAddresses }}}
{{- end -}}
