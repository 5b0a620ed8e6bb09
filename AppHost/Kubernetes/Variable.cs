using System.Text.RegularExpressions;
using InferenceTemplate.AppHost.Kubernetes.Rendering;
using k8s.Models;

namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>A variable of a container. Its text may hold template text, and secrets as <c>$(name)</c>.</summary>
/// <param name="When">On what it hangs; null for always.</param>
internal sealed record Variable(string Name, string Text, string? When = null)
{
    public IEnumerable<string> Secrets => SecretMark.Names(Text);

    public string Key => Template.When(When, Name);
}

/// <summary>
/// What a component reads from its environment: a ConfigMap, and a Secret that the chart makes, or entries of one that all share. An
/// installation without a secret ends with its name, instead of pods that do not start.
/// </summary>
internal sealed record ComponentEnvironment(string Component, IReadOnlyList<Variable> Variables, string? When = null)
{
    public const string SharedSecret = "inference-secrets";

    private IReadOnlyList<Variable> Config => [.. Variables.Where(variable => !variable.Secrets.Any())];

    private IReadOnlyList<Variable> Secret => [.. Variables.Where(variable => variable.Secrets.Any())];

    private string WhenChart => Template.Both(When, Switches.ChartSecrets);

    public IEnumerable<ChartFile> Files()
    {
        if (Config.Count > 0)
        {
            yield return ChartFile.Of($"{Component}/config.yaml", new V1ConfigMap
            {
                Metadata = Kubernetes.Component.Named($"{Component}-config", Component),
                Data = Config.ToDictionary(variable => variable.Key, variable => variable.Text, StringComparer.Ordinal),
            }, When);
        }

        if (Secret.Count > 0)
        {
            yield return ChartFile.Of($"{Component}/secrets.yaml", new V1Secret
            {
                Metadata = Kubernetes.Component.Named($"{Component}-secrets", Component),
                Type = "Opaque",
                StringData = Secret.ToDictionary(
                    variable => variable.Key, variable => SecretMark.Required(variable.Text), StringComparer.Ordinal),
            }, WhenChart);
        }
    }

    /// <summary>Pods read their environment at their start only: these annotations roll them when it changes.</summary>
    public IEnumerable<KeyValuePair<string, string>> Checksums()
    {
        if (Config.Count > 0)
        {
            yield return new("checksum/config", Checksum("config"));
        }

        if (Secret.Count > 0)
        {
            yield return new(Template.When(Switches.ChartSecrets, "checksum/secrets"), Checksum("secrets"));
        }
    }

    public void Give(V1Container container)
    {
        var from = new List<V1EnvFromSource>();
        if (Config.Count > 0)
        {
            from.Add(new() { ConfigMapRef = new() { Name = $"{Component}-config" } });
        }

        if (Secret.Count > 0)
        {
            from.Add(new() { SecretRef = new() { Name = Template.When(Switches.ChartSecrets, $"{Component}-secrets") } });
        }

        container.EnvFrom = from;
        // What another variable is composed of has to come before it.
        var composed = Secret.Where(variable => !SecretMark.IsAll(variable.Text)).ToList();
        var parts = composed.SelectMany(variable => variable.Secrets.Select(secret => (Secret: secret, variable.When)))
            .GroupBy(part => part.Secret, part => part.When, StringComparer.Ordinal)
            .Select(part => FromSecret(SecretMark.Variable(part.Key), part.Key, part.Contains(null) ? null : Template.Any(part!)));
        container.Env =
        [
            .. parts,
            .. Secret.Except(composed).Select(variable => FromSecret(variable.Name, variable.Secrets.Single(), variable.When)),
            .. composed.Select(variable => new V1EnvVar
            {
                Name = Named(variable.Name, variable.When),
                Value = SecretMark.Composed(variable.Text),
            }),
        ];
    }

    private static V1EnvVar FromSecret(string name, string secret, string? when) =>
        new() { Name = Named(name, when), ValueFrom = new() { SecretKeyRef = new() { Name = SharedSecret, Key = secret } } };

    private static string Named(string name, string? when) =>
        Template.When(when is null ? Switches.SharedSecrets : Template.Both(Switches.SharedSecrets, when), name);

    private string Checksum(string file) => $"{{{{ include (print $.Template.BasePath \"/{Component}/{file}.yaml\") . | sha256sum }}}}";
}

/// <summary>Secrets in texts.</summary>
internal static partial class SecretMark
{
    public static IEnumerable<string> Names(string text) => Mark().Matches(text).Select(found => found.Groups["name"].Value);

    public static bool IsAll(string text) => Mark().Match(text).Length == text.Length;

    /// <summary>Of the chart's values.</summary>
    public static string Required(string text) => Mark().Replace(text, found =>
    {
        var value = Value(found.Groups["name"].Value);
        var given = $"required \"secrets.{value} is not set\" .Values.secrets.{value}";
        // Among others in a connection string, whose marks a password may have.
        return text[..found.Index].EndsWith("Password=", StringComparison.Ordinal)
            ? $"{{{{ include \"connection.value\" ({given}) }}}}"
            : $"{{{{ {given} }}}}";
    });

    /// <summary>A named template: a value of a connection string, quoted where it has to be.</summary>
    public const string ConnectionValue = """
        {{/* A value of a connection string of .NET, quoted where it has to be. */}}
        {{- define "connection.value" -}}
        {{ if regexMatch "^[A-Za-z0-9._~!*+/-]*$" . }}{{ . }}{{ else }}{{ . | replace "\"" "\"\"" | printf "\"%s\"" }}{{ end }}
        {{- end }}
        """;

    /// <summary>Of other variables of the container.</summary>
    public static string Composed(string text) => Mark().Replace(text, found => $"$({Variable(found.Groups["name"].Value)})");

    public static string Variable(string name) => $"PARAMETER_{name.Replace('-', '_').ToUpperInvariant()}";

    /// <summary><c>postgres-password</c> is <c>postgresPassword</c> among the values.</summary>
    public static string Value(string name)
    {
        var words = name.Split('-');
        return words[0] + string.Concat(words.Skip(1).Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
    }

    [GeneratedRegex(@"\$\((?<name>[a-z][a-z-]*)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Mark();
}
