using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Running;

/// <summary>Generated parameters, kept with the data that they protect, in a file that only its owner reads.</summary>
internal sealed class GeneratedSecrets(IConfiguration configuration, string appHostDirectory)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private readonly Lock _lock = new();

    public string GetOrAdd(string name, Func<string> generate)
    {
        lock (_lock)
        {
            var path = Path.Combine(DataDirectory.PathOf(configuration, appHostDirectory), "secrets.json");
            var secrets = File.Exists(path)
                ? JsonSerializer.Deserialize<SortedDictionary<string, string>>(File.ReadAllText(path))!
                : new(StringComparer.Ordinal);
            if (secrets.TryGetValue(name, out var known)) return known;

            var secret = secrets[name] = generate();
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            PrivateFile.Write(path, JsonSerializer.Serialize(secrets, Indented));
            return secret;
        }
    }
}
