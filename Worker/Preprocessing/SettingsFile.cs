using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Worker.Inspection;

namespace InferenceTemplate.Worker.Preprocessing;

/// <summary>Reads the JSON file beside a model that says how its inputs are made.</summary>
internal static class SettingsFile
{
    private const int MaxBytes = 16 << 10;

    /// <param name="problem">What about the settings can't be; null where all can.</param>
    /// <exception cref="ModelRefusedException">The file can't be read as such settings; the message says why.</exception>
    public static T Read<T>(string path, JsonTypeInfo<T> type, Func<T, string?> problem)
        where T : class
    {
        var name = Path.GetFileName(path);
        if (new FileInfo(path).Length is var length && length > MaxBytes)
        {
            throw new ModelRefusedException($"{name} has {length} bytes; at most {MaxBytes} are read");
        }

        try
        {
            ReadOnlySpan<byte> json = File.ReadAllBytes(path);

            // Editors put a byte order mark there, which the parser does not know.
            var settings = JsonSerializer.Deserialize(json.StartsWith("\uFEFF"u8) ? json[3..] : json, type)
                ?? throw new ModelRefusedException($"{name} is null");
            return problem(settings) is { } found ? throw new ModelRefusedException($"{name}: {found}") : settings;
        }
        catch (JsonException exception)
        {
            throw new ModelRefusedException($"{name} can't be read: {exception.Message}");
        }
    }

    public static string? OneOf(string name, string value, params string[] possible) => possible.Contains(value, StringComparer.Ordinal)
        ? null
        : $"{name} is '{ModelFileNames.Shown(value)}'; possible: {string.Join(", ", possible)}";
}
