#!/usr/bin/env bash
# Renders the kustomizations and the chart into rendered/, which the build checks, and tests the alerts. Run
# it after a change of kubernetes/, overlays/, monitoring/ or helm/: rendered/sources.sha256 tells the build
# if it was not. Needs kustomize and promtool (Debian: kustomize, prometheus), and a JDK and Maven, which
# bring Helm as a library.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

promtool check rules --lint=all --lint-fatal monitoring/alerts.yaml
promtool test rules monitoring/alerts_test.yaml
promtool check config --lint-fatal --syntax-only prometheus/prometheus.yml

# The rules once more, as an object for the Prometheus operator. The chart has links to both files.
{
  printf '# By ../render.sh, of alerts.yaml.\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\n'
  printf 'metadata:\n  name: relay\n  labels: { app.kubernetes.io/name: relay }\nspec:\n'
  sed -e '/^#/d' -e 's/^\(.\)/  \1/' monitoring/alerts.yaml
} > monitoring/prometheusrule.yaml

mkdir -p rendered
rm -f rendered/*
kustomize build kubernetes > rendered/kubernetes.yaml
for overlay in overlays/*/; do
  kustomize build "$overlay" > "rendered/$(basename "$overlay").yaml"
done

libraries=$(mktemp -d)
trap 'rm -rf "$libraries"' EXIT
../mvnw -q -B -f helm/pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies \
  -DoutputDirectory="$libraries" >/dev/null
render() {
  java --enable-native-access=ALL-UNNAMED -cp "$libraries/*" helm/RenderChart.java helm/relay "$@"
}
render rendered/helm.yaml
for values in helm/*.yaml; do
  render "rendered/helm-$(basename "$values")" "$values"
done

find -L kubernetes overlays monitoring helm -type f | LC_ALL=C sort | xargs sha256sum > rendered/sources.sha256
