{{/* Pods of each component at their most, with the one more that an update starts. */}}
{{- define "pods" -}}
api: {{ add1 .Values.replicas.api.max }}
worker: {{ add1 .Values.replicas.worker.max }}
web: {{ add1 .Values.replicas.web }}
postgres: {{ if eq .Values.database "cloudnativepg" }}{{ add1 .Values.replicas.database }}{{ else }}1{{ end }}
redis: 1
{{- end }}

{{/* The sum of a field of the sizes over all pods, a mesh's proxies among them, and what other pods of the namespace take:
     list . FIELD UNIT OTHERS */}}
{{- define "quota" -}}
{{- $values := (index . 0).Values -}}
{{- $field := index . 1 -}}
{{- $unit := index . 2 -}}
{{- $proxy := 0 -}}
{{- if ne $values.mesh "none" }}{{ $proxy = index (dict "cpu" 100 "cpuLimit" 2000 "memory" 1024) $field }}{{ end -}}
{{- $sum := add (index . 3) (mul 4 $proxy) -}}
{{- range $component, $pods := include "pods" (index . 0) | fromYaml -}}
{{- $sum = add $sum (mul $pods (add $proxy (index $values.sizes $component $field | trimSuffix $unit | int64))) -}}
{{- end -}}
{{ $sum }}{{ $unit }}
{{- end }}

{{/* The number of all pods, with others: list . OTHERS */}}
{{- define "quota.pods" -}}
{{- $sum := index . 1 -}}
{{- range include "pods" (index . 0) | fromYaml -}}
{{- $sum = add $sum . -}}
{{- end -}}
{{ $sum }}
{{- end }}

{{/* Connections to Postgres that all pods may open at their most, and others beside them. */}}
{{- define "connections" -}}
{{- $pods := include "pods" . | fromYaml -}}
{{ add (mul (add $pods.api $pods.worker) .Values.poolSize) 30 }}
{{- end }}

{{/* A value of a connection string of .NET, quoted where it has to be. */}}
{{- define "connection.value" -}}
{{ if regexMatch "^[A-Za-z0-9._~!*+/-]*$" . }}{{ . }}{{ else }}{{ . | replace "\"" "\"\"" | printf "\"%s\"" }}{{ end }}
{{- end }}
