{{- /* The objects are called as the release, unless the values say otherwise. */}}
{{- define "relay.name" -}}
{{- $name := .Release.Name }}
{{- with .Values.nameOverride }}{{ $name = printf "%s-%s" $.Release.Name . }}{{ end }}
{{- .Values.fullnameOverride | default $name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "relay.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "relay.name" .) }}
{{- else }}{{ .Values.serviceAccount.name | default "default" }}
{{- end }}
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
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "relay.redisSelector" -}}
app.kubernetes.io/name: relay-redis
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "relay.redisLabels" -}}
{{ include "relay.redisSelector" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The port of an address of the config. */}}
{{- define "relay.port" -}}
{{ regexFind "[0-9]+$" . }}
{{- end }}

{{- /* The files of Redis: a name, and the key of a Secret with its content. */}}
{{- define "relay.redisFiles" -}}
{{- $files := dict }}
{{- with .Values.redis.password }}{{ if .key }}{{ $_ := set $files "password" . }}{{ end }}{{ end }}
{{- with .Values.redis.tls }}{{ with .ca }}{{ if .key }}{{ $_ := set $files "ca.crt" . }}{{ end }}{{ end }}{{ end }}
{{- toYaml $files }}
{{- end }}

{{- /* The config, with the Redis and the file of clients of the values. */}}
{{- define "relay.config" -}}
{{- $config := deepCopy .Values.config }}
{{- $redis := $config.redis | default dict }}
{{- $files := include "relay.redisFiles" . | fromYaml }}
{{- if .Values.redis.cluster }}{{ $_ := set $redis "cluster" true }}{{ end }}
{{- with .Values.redis.username }}{{ $_ := set $redis "username" . }}{{ end }}
{{- if hasKey $files "password" }}{{ $_ := set $redis "password_file" "/run/secrets/redis/password" }}{{ end }}
{{- if hasKey $files "ca.crt" }}
{{- $_ := set $redis "tls" (merge (dict "ca" "/run/secrets/redis/ca.crt") ($redis.tls | default dict)) }}
{{- end }}
{{- $_ := set $config "redis" $redis }}
{{- if .Values.clientsSecret.name }}
{{- $file := printf "/run/secrets/clients/%s" .Values.clientsSecret.key }}
{{- $_ := set $config.server "auth" (merge (dict "clients_file" $file) ($config.server.auth | default dict)) }}
{{- end }}
{{- toYaml $config }}
{{- end }}
