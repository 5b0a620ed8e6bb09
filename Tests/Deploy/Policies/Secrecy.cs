using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Policies;

/// <summary>
/// No ConfigMap and no literal variable holds what looks like a secret, and no object but a Secret what was given as one.
/// </summary>
internal static partial class Secrecy
{
    public static IEnumerable<string> Violations(RenderedObjects objects, Expectations expectations)
    {
        foreach (var map in objects.OfKind("ConfigMap"))
        {
            foreach (var (key, value) in map.Json.Entries("data").Where(entry => LooksSecret(entry.Key, entry.Value)))
            {
                yield return $"{map}: its entry {key} looks like a secret";
            }
        }

        foreach (var pods in objects.Pods)
        {
            foreach (var variable in pods.Containers.SelectMany(container => container.Items("env")))
            {
                // What is composed of others has its secret from them.
                var (name, value) = (variable.Text("name"), variable.Text("value"));
                var composed = Reference().IsMatch(value);
                if (composed ? Value().IsMatch(Reference().Replace(value, "")) : LooksSecret(name, value))
                {
                    yield return $"{pods}: its variable {name} looks like a secret";
                }
            }
        }

        foreach (var each in objects.All.Where(each => each.Kind != "Secret"))
        {
            var text = each.Json.ToJsonString();
            if (expectations.SecretValues.Any(secret => text.Contains(secret, StringComparison.Ordinal)))
            {
                yield return $"{each}: holds a value that was given as a secret";
            }
        }
    }

    private static bool LooksSecret(string key, string value) =>
        value.Length > 0 && ((Name().IsMatch(key) && !Harmless().IsMatch(value)) || Value().IsMatch(value));

    // ConnectionStrings__x, Auth__JwtSigningKey, REDIS_PASSWORD, ...; what only names a method or a time is none.
    [GeneratedRegex(
        "(password|passwd|secret|token|pepper|credential|signingkey|api_?key|private_?key|accesskey|connectionstring)",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Name();

    [GeneratedRegex(@"^(true|false|\d{2}:\d{2}:\d{2})$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Harmless();

    [GeneratedRegex(
        @"(password|pwd)\s*=\s*[^;,\s]+|://[^/@\s]*:[^/@\s]+@|-----BEGIN|^eyJ[\w-]+\.",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Value();

    [GeneratedRegex(@"\$\(\w+\)", RegexOptions.None, 1000)]
    private static partial Regex Reference();
}
