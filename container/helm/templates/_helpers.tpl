{{- define "karapace.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "karapace.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "karapace.labels" -}}
{{ include "karapace.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "karapace.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "karapace.firstScheme" -}}
{{- if (first .Values.listeners).tls }}HTTPS{{ else }}HTTP{{ end }}
{{- end }}

{{- define "karapace.probe" -}}
httpGet:
  path: {{ .path }}
  port: {{ (first .root.Values.listeners).name }}
  scheme: {{ include "karapace.firstScheme" .root }}
{{ toYaml .probe }}
{{- end }}

{{/* The settings that the values stand for; `config` is added to them and wins. */}}
{{- define "karapace.settings" -}}
{{- $values := .Values }}
{{- $listeners := list }}
{{- range $values.listeners }}
{{- $listeners = append $listeners (printf "%s://%s:%d" (ternary "https" "http" (default false .tls)) $values.listenHost (int .port)) }}
{{- end }}
listeners: {{ join "," $listeners | quote }}
bootstrap_uri: {{ $values.kafka.bootstrapServers | quote }}
replication_factor: {{ $values.kafka.replicationFactor }}
security_protocol: {{ $values.kafka.securityProtocol | quote }}
workers: {{ $values.workers }}
shutdown_delay_ms: {{ mul 1000 $values.shutdownDelaySeconds | quote }}
{{- if $values.kafka.tls.existingSecret }}
ssl_cafile: /etc/karapace/kafka/ca.crt
{{- if $values.kafka.tls.clientCertificate }}
ssl_certfile: /etc/karapace/kafka/tls.crt
ssl_keyfile: /etc/karapace/kafka/tls.key
{{- end }}
{{- end }}
{{- if $values.kafka.sasl.mechanism }}
sasl_mechanism: {{ $values.kafka.sasl.mechanism | quote }}
{{- end }}
{{- if $values.tls.existingSecret }}
server_tls_certfile: /etc/karapace/tls/tls.crt
server_tls_keyfile: /etc/karapace/tls/tls.key
{{- if ne $values.tls.clientAuth "none" }}
server_tls_client_auth: {{ $values.tls.clientAuth | quote }}
server_tls_cafile: /etc/karapace/tls/ca.crt
{{- end }}
{{- end }}
{{- if $values.authfile.existingSecret }}
registry_authfile: {{ printf "/etc/karapace/access/%s" $values.authfile.key | quote }}
{{- end }}
{{- if $values.oidc.enabled }}
sasl_oauthbearer_authentication_enabled: true
sasl_oauthbearer_jwks_endpoint_url: {{ required "oidc.jwksUrl is required with oidc.enabled" $values.oidc.jwksUrl | quote }}
{{- with $values.oidc.issuer }}
sasl_oauthbearer_expected_issuer: {{ . | quote }}
{{- end }}
{{- with $values.oidc.audience }}
sasl_oauthbearer_expected_audience: {{ . | quote }}
{{- end }}
{{- with $values.oidc.rolesClaim }}
sasl_oauthbearer_roles_claim_path: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Mount path -> Secret. */}}
{{- define "karapace.secrets" -}}
{{- with .Values.kafka.tls.existingSecret }}
kafka: {{ . }}
{{- end }}
{{- with .Values.tls.existingSecret }}
tls: {{ . }}
{{- end }}
{{- with .Values.authfile.existingSecret }}
access: {{ . }}
{{- end }}
{{- end }}
