{{/* The name of the release's objects, without the component. At most 40 characters, so that names of pods fit. */}}
{{- define "rollcall.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The labels that select the pods of a component: (dict "root" $ "component" "scim-api") */}}
{{- define "rollcall.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* All labels of a component's object. */}}
{{- define "rollcall.labels" -}}
{{ include "rollcall.selector" . }}
app.kubernetes.io/part-of: rollcall
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "rollcall.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "rollcall.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The image of an executable: (dict "root" $ "component" "scim-api") */}}
{{- define "rollcall.image" -}}
{{- $image := .root.Values.image -}}
{{- $digest := get $image.digests .component -}}
{{- if $digest -}}
{{- printf "%s/%s@%s" $image.repository .component $digest | quote -}}
{{- else -}}
{{- printf "%s/%s:%s" $image.repository .component (default .root.Chart.AppVersion $image.tag) | quote -}}
{{- end -}}
{{- end -}}

{{/* The consumers: the key of their values, their name, the group, and the topic whose lag scales them. */}}
{{- define "rollcall.consumers" -}}
- {key: identityStore, name: identity-store, topic: identity.commands}
- {key: invitationMailer, name: invitation-mailer, topic: identity.events}
- {key: groupSync, name: group-sync, topic: identity.events}
{{- end -}}
