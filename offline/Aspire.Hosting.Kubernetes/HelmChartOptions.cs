using System.Text.RegularExpressions;

namespace Aspire.Hosting.Kubernetes;

/// <summary>What the chart is called, and where it is installed.</summary>
public sealed partial class HelmChartOptions
{
    private readonly KubernetesEnvironmentResource _environment;

    internal HelmChartOptions(KubernetesEnvironmentResource environment) => _environment = environment;

    public HelmChartOptions WithChartName(string name)
    {
        Check(name.Length <= 250 && ChartName().IsMatch(name), $"Helm chart name '{name}' is invalid: at most 250 letters, digits, '-', '_' or '.'.", nameof(name));
        _environment.ChartName = name;
        return this;
    }

    public HelmChartOptions WithChartVersion(string version)
    {
        Check(Version().IsMatch(version), $"Helm chart version '{version}' is invalid: it must be a semantic version such as 1.2.3.", nameof(version));
        _environment.ChartVersion = version;
        return this;
    }

    public HelmChartOptions WithChartDescription(string description)
    {
        Check(!string.IsNullOrWhiteSpace(description) && description.Length <= 1024, "Helm chart description is invalid: 1 to 1024 characters.", nameof(description));
        _environment.ChartDescription = description;
        return this;
    }

    // A chart does not know where it is installed, nor as what: aspire deploy uses these two, publishing only checks them.

    public HelmChartOptions WithNamespace(string @namespace)
    {
        Check(@namespace.Length <= 63 && DnsLabel().IsMatch(@namespace), $"Kubernetes namespace '{@namespace}' is invalid: at most 63 lower case letters, digits and inner hyphens.", nameof(@namespace));
        return this;
    }

    public HelmChartOptions WithReleaseName(string releaseName)
    {
        Check(releaseName.Length <= 53 && DnsLabel().IsMatch(releaseName), $"Helm release name '{releaseName}' is invalid: at most 53 lower case letters, digits and inner hyphens.", nameof(releaseName));
        return this;
    }

    private static void Check(bool valid, string message, string parameter)
    {
        if (!valid)
        {
            throw new ArgumentException(message, parameter);
        }
    }

    [GeneratedRegex("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex DnsLabel();

    [GeneratedRegex("^[a-zA-Z0-9._-]+$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ChartName();

    [GeneratedRegex(@"^v?(0|[1-9]\d*)(\.(0|[1-9]\d*)){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Version();
}
