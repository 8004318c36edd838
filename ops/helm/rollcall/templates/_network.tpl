{{/* The rules of network policies. Each is an item of `ingress` or `egress`. */}}

{{- define "rollcall.network.dns" -}}
- ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
{{- end -}}

{{/* (dict "peers" list "ports" list) */}}
{{- define "rollcall.network.to" -}}
- ports:
    {{- range .ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .peers }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "rollcall.network.database" -}}
{{- $ports := list .Values.database.port -}}
{{- if .Values.database.readReplica.host }}{{ $ports = uniq (append $ports .Values.database.readReplica.port) }}{{ end -}}
{{ include "rollcall.network.to" (dict "peers" .Values.networkPolicy.database "ports" $ports) }}
{{- end -}}

{{- define "rollcall.network.kafka" -}}
{{ include "rollcall.network.to" (dict "peers" .Values.networkPolicy.kafka "ports" .Values.networkPolicy.kafkaPorts) }}
{{- end -}}

{{- define "rollcall.network.mail" -}}
{{ include "rollcall.network.to" (dict "peers" .Values.networkPolicy.mail "ports" .Values.networkPolicy.mailPorts) }}
{{- end -}}

{{- define "rollcall.network.traces" -}}
{{ include "rollcall.network.to" (dict "peers" .Values.networkPolicy.traces "ports" .Values.networkPolicy.tracesPorts) }}
{{- end -}}

{{/* Where webhooks may go: the Internet, and private networks only if the values allow it. */}}
{{- define "rollcall.network.webhooks" -}}
{{- if .Values.groupSync.allowPrivateAddresses -}}
- to: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: '::/0'}}]
{{- else -}}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: [0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]
    - ipBlock:
        cidr: '::/0'
        except: ['::1/128', 'fc00::/7', 'fe80::/10']
{{- end -}}
{{- end -}}

{{- define "rollcall.network.monitoring" -}}
- ports: [{protocol: TCP, port: health}]
  {{- with .Values.networkPolicy.monitoring }}
  from: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
