using System.Text.Json.Serialization;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Preprocessing;

namespace InferenceTemplate.Worker.Images;

/// <summary>
/// What <c>image.json</c> beside a model's ONNX file says: that callers send it images, and how those become the model's input.
/// </summary>
internal sealed record ImageSettings
{
    public const string FileName = "image.json";

    public const string Nchw = "nchw";
    public const string Nhwc = "nhwc";
    public const string Stretch = "stretch";
    public const string CenterCrop = "center_crop";
    public const string Nearest = "nearest";
    public const string Bilinear = "bilinear";
    public const string Bicubic = "bicubic";
    public const string Rgb = "rgb";
    public const string Bgr = "bgr";
    public const string Gray = "gray";

    private const int MaxSide = 4096;

    // An image on its way to the tensor takes 16 bytes for each.
    private const int MaxPixels = 1 << 22;
    private const float Levels = 255;

    /// <summary>The model's input that is made of images; null for the only one it has.</summary>
    public string? Input { get; set; }

    /// <summary>Whether channels come before height and width (<c>nchw</c>) or behind them (<c>nhwc</c>).</summary>
    public required string Layout { get; set; }

    /// <summary>Pixels of the model's input. 1 to 4,096.</summary>
    public required int Width { get; set; }

    /// <summary>Pixels of the model's input. 1 to 4,096.</summary>
    public required int Height { get; set; }

    /// <summary>
    /// How an image of another size gets that one: <c>stretch</c>, or <c>center_crop</c>, which brings its shorter side to
    /// <see cref="ShortSide"/> and takes the middle.
    /// </summary>
    public required string Resize { get; set; }

    /// <summary>Only for <c>center_crop</c>; null for the larger of width and height, which is the least.</summary>
    public int? ShortSide { get; set; }

    /// <summary>Between pixels: <c>bilinear</c>, <c>bicubic</c> or <c>nearest</c>. The first two are as wide as a reduction asks.</summary>
    public string Filter { get; set; } = Bilinear;

    /// <summary>The channels and their order: <c>rgb</c>, <c>bgr</c>, or <c>gray</c> for the one.</summary>
    public string Channels { get; set; } = Rgb;

    /// <summary>By which values from 0 to 255 are multiplied first; null for 1/255. None of the three for an input of UINT8.</summary>
    public float? Scale { get; set; }

    /// <summary>What is then taken from each channel; null for nothing.</summary>
    public float[]? Mean { get; set; }

    /// <summary>By what each channel is then divided; null for 1.</summary>
    public float[]? Std { get; set; }

    [JsonIgnore]
    public int ChannelCount => Channels == Gray ? 1 : 3;

    [JsonIgnore]
    public float ScaleOrDefault => Scale ?? 1 / Levels;

    [JsonIgnore]
    public int ShortSideOrDefault => ShortSide ?? Math.Max(Width, Height);

    /// <exception cref="ModelRefusedException">The file can't be read as such settings; the message says why.</exception>
    public static ImageSettings Read(string path) =>
        SettingsFile.Read(path, ImageJson.Default.ImageSettings, settings => settings.Problem());

    private string? Problem() =>
        SettingsFile.OneOf("layout", Layout, Nchw, Nhwc)
        ?? SettingsFile.OneOf("resize", Resize, Stretch, CenterCrop)
        ?? SettingsFile.OneOf("filter", Filter, Bilinear, Bicubic, Nearest)
        ?? SettingsFile.OneOf("channels", Channels, Rgb, Bgr, Gray)
        ?? SideProblem("width", Width, 1)
        ?? SideProblem("height", Height, 1)
        ?? (ShortSide is null ? null
            : Resize == Stretch ? $"short_side goes with resize '{CenterCrop}'"
            : SideProblem("short_side", ShortSide.Value, Math.Max(Width, Height)))
        ?? (float.IsFinite(ScaleOrDefault) ? null : "scale is not a number")
        ?? ChannelProblem("mean", Mean)
        ?? ChannelProblem("std", Std)
        ?? (Std is not null && Array.Exists(Std, value => value <= 0) ? "std has to be more than 0 for each channel" : null)
        ?? (Std is not null && Array.Exists(Std, value => !float.IsFinite(Math.Max(Math.Abs(ScaleOrDefault), 1) / value))
            ? "std is too small: what is divided by it is not a number"
            : null)
        ?? ((long)Width * Height <= MaxPixels ? null : $"width x height is {(long)Width * Height}; at most {MaxPixels} are possible");

    private static string? SideProblem(string name, int value, int least) =>
        value < least || value > MaxSide ? $"{name} is {value}; {least} to {MaxSide} are possible" : null;

    private string? ChannelProblem(string name, float[]? values) => values is null ? null
        : values.Length != ChannelCount ? $"{name} has {values.Length} numbers; '{Channels}' has {ChannelCount}"
        : Array.TrueForAll(values, float.IsFinite) ? null : $"{name} has what is not a number";
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ImageSettings))]
internal sealed partial class ImageJson : JsonSerializerContext;
