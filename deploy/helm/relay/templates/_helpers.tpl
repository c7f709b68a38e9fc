{{- /* The objects are called as the release. */}}
{{- define "relay.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "relay.selector" -}}
app.kubernetes.io/name: relay
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "relay.labels" -}}
{{ include "relay.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "relay.redisSelector" -}}
app.kubernetes.io/name: relay-redis
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* The port of an address of the config. */}}
{{- define "relay.port" -}}
{{ regexFind "[0-9]+$" . }}
{{- end }}
