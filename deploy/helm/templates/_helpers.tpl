{{/* Pods of each component at their most, with the one more that an update starts. */}}
{{- define "pods" -}}
api: {{ add1 .Values.replicas.api.max }}
worker: {{ add1 .Values.replicas.worker.max }}
web: {{ add1 .Values.replicas.web }}
postgres: {{ if eq .Values.database "cloudnativepg" }}{{ add1 .Values.replicas.database }}{{ else }}1{{ end }}
redis: 1
{{- end }}

{{/* The sum of a field of the sizes over all pods, and what other pods of the namespace take: list . FIELD UNIT OTHERS */}}
{{- define "quota" -}}
{{- $values := (index . 0).Values -}}
{{- $field := index . 1 -}}
{{- $unit := index . 2 -}}
{{- $sum := index . 3 -}}
{{- range $component, $pods := include "pods" (index . 0) | fromYaml -}}
{{- $sum = add $sum (mul $pods (index $values.sizes $component $field | trimSuffix $unit | int64)) -}}
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
