using System.Globalization;
using System.Text.Json.Nodes;

namespace InferenceTemplate.Web.Components.Console;

/// <summary>Some of a model's settings as fields; null or empty where the worker's or platform's stands.</summary>
internal sealed record ModelSettingsForm
{
    // More than the Api takes, and less than a TimeSpan can't be.
    private const double Most = 1e9;

    private JsonObject? _settings;

    public string Mode { get; set; } = "auto";

    public decimal? MaxSize { get; set; }

    /// <summary>In milliseconds.</summary>
    public double? MaxDelay { get; set; }

    public decimal? Instances { get; set; }

    /// <summary>In seconds.</summary>
    public double? Cached { get; set; }

    public decimal? Price { get; set; }

    public string Payload { get; set; } = "off";

    public bool Pinned { get; set; }

    public bool RefuseNan { get; set; }

    public bool Drift { get; set; }

    public bool IsChanged => _settings is { } settings && this != Of(settings);

    public static ModelSettingsForm Of(JsonObject settings) => new()
    {
        _settings = settings,
        Mode = (string?)settings["batching"]?["mode"] ?? "auto",
        MaxSize = (decimal?)settings["batching"]?["max_size"],
        MaxDelay = Span(settings["batching"]?["max_delay"])?.TotalMilliseconds,
        Instances = (decimal?)settings["instances"],
        Cached = Span(settings["cache"]?["time_to_live"])?.TotalSeconds,
        Price = (decimal?)settings["price_per_device_hour"],
        Payload = (string?)settings["payload"]?["mode"] ?? "off",
        Pinned = (bool?)settings["pinned"] ?? false,
        RefuseNan = (bool?)settings["refuse_nan"] ?? false,
        Drift = (bool?)settings["drift"]?["enabled"] ?? false,
    };

    /// <summary>All settings, with those of the form as it has them.</summary>
    public JsonObject ApplyTo(JsonObject settings)
    {
        var changed = settings.DeepClone().AsObject();
        var batching = Part(changed, "batching");
        batching["mode"] = Mode;
        batching["max_size"] = MaxSize;
        batching["max_delay"] = MaxDelay is { } delay ? Text(TimeSpan.FromMilliseconds(Math.Min(delay, Most))) : null;
        changed["instances"] = Instances;
        if (Cached is { } cached)
        {
            Part(changed, "cache")["time_to_live"] = Text(TimeSpan.FromSeconds(Math.Min(cached, Most)));
        }
        else
        {
            changed["cache"] = null;
        }

        changed["price_per_device_hour"] = Price;
        Part(changed, "payload")["mode"] = Payload;
        changed["pinned"] = Pinned;
        changed["refuse_nan"] = RefuseNan;
        Part(changed, "drift")["enabled"] = Drift;
        return changed;
    }

    public bool Equals(ModelSettingsForm? other) => other is not null
        && (Mode, MaxSize, MaxDelay, Instances) == (other.Mode, other.MaxSize, other.MaxDelay, other.Instances)
        && (Cached, Price, Payload) == (other.Cached, other.Price, other.Payload)
        && (Pinned, RefuseNan, Drift) == (other.Pinned, other.RefuseNan, other.Drift);

    public override int GetHashCode() => HashCode.Combine(Mode, MaxSize, MaxDelay, Instances, Cached, Price, Payload);

    private static string Text(TimeSpan span) => span.ToString("c", CultureInfo.InvariantCulture);

    private static TimeSpan? Span(JsonNode? node) => (string?)node is { } text ? TimeSpan.Parse(text, CultureInfo.InvariantCulture) : null;

    private static JsonObject Part(JsonObject settings, string name)
    {
        if (settings[name] is not JsonObject part)
        {
            settings[name] = part = [];
        }

        return part;
    }
}
