using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.Components.Playground;

/// <summary>One input as somebody fills it in.</summary>
public sealed class TensorField
{
    /// <summary>More is not written into a form.</summary>
    private const long MaxSample = 4_096;

    /// <summary>Nor than what a browser sends back in one message.</summary>
    public const int MaxText = 16 << 10;

    /// <summary>Of a text of that length: it comes twice, and each quote as six characters.</summary>
    public const int MaxMessage = 16 * MaxText;

    /// <summary>Of the file of an image: what workers take by default.</summary>
    public const int MaxImage = 16 << 20;

    private (string Shape, string Data, bool SendsSingle)? _typed;

    public TensorField(TensorSignature signature, bool isImage = false)
    {
        (Signature, IsImage) = (signature, isImage);
        long[] shape = [.. signature.Shape.Select(size => size < 0 ? 1 : size)];
        Shape = string.Join(", ", shape);
        var count = shape.Aggregate(1L, (product, size) => product * size);
        var value = signature.Datatype switch
        {
            "BOOL" => "false",
            "BYTES" => "\"text\"",
            _ => "0",
        };
        Data = count <= MaxSample ? $"[{string.Join(", ", Enumerable.Repeat(value, (int)count))}]" : "";
        IsSingle = SendsSingle = count == 1;
        Value = signature.Datatype switch
        {
            "BOOL" or "BYTES" => "",
            _ => "0",
        };
    }

    public TensorSignature Signature { get; }

    public bool IsImage { get; }

    /// <summary>The file that was chosen for an image.</summary>
    public byte[]? Image { get; set; }

    /// <summary>Whether a row of it is one number, flag or text, so that a field for it is enough.</summary>
    public bool IsSingle { get; }

    /// <summary>Whether <see cref="Value"/> or <see cref="Flag"/> is sent, rather than <see cref="Data"/>.</summary>
    public bool SendsSingle { get; set; }

    public string Value { get; set; }

    public bool Flag { get; set; }

    /// <summary>Sizes with commas between them.</summary>
    public string Shape { get; set; }

    /// <summary>A JSON array, flat or nested.</summary>
    public string Data { get; set; }

    /// <summary>How many rows of a file are sent in place of what the form holds; null where none are.</summary>
    public int? Rows { get; private set; }

    /// <summary>Has rows of a file sent.</summary>
    /// <param name="data">Flat, as a JSON array.</param>
    public void TakeRows(int rows, string data)
    {
        _typed ??= (Shape, Data, SendsSingle);
        (Rows, SendsSingle, Data) = (rows, false, data);
        Shape = string.Join(", ", Signature.Shape.Select((size, axis) => axis == 0 ? rows : size < 0 ? 1 : size));
    }

    /// <summary>Has what the form held before sent again: rows of a file are more than a browser sends back in one message.</summary>
    public void DropRows()
    {
        Rows = null;
        if (_typed is { } typed)
        {
            ((Shape, Data, SendsSingle), _typed) = (typed, null);
        }
    }

    /// <summary>Whether it holds an input of a sample request.</summary>
    public bool IsFilled { get; private set; }

    /// <summary>Takes an input of a sample request, unless it is more than is written into a form.</summary>
    public void Fill(JsonElement input)
    {
        var (shape, data) = (input.GetProperty("shape"), input.GetProperty("data"));
        if (data.GetRawText() is not { Length: <= MaxText } text)
        {
            return;
        }

        IsFilled = true;
        (Shape, Data) = (string.Join(", ", shape.EnumerateArray().Select(size => size.GetRawText())), text);
        SendsSingle = IsSingle && shape.EnumerateArray().All(size => size.GetRawText() == "1");
        if (SendsSingle)
        {
            var value = data;
            while (value.ValueKind == JsonValueKind.Array)
            {
                value = value[0];
            }

            Value = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
            Flag = value.ValueKind == JsonValueKind.True;
        }
    }
}

/// <summary>Requests of the Open Inference Protocol from what the playground's forms hold.</summary>
internal static class PlaygroundRequest
{
    private const int MaxDepth = 1_000;
    private const int ShownClasses = 5;
    private const string TooMuch = "a form holds at most 16 KiB of an input.";

    /// <summary>A field for each input of a model, with what its sample request holds.</summary>
    /// <param name="sample">As the Api has it, which took it for a request to this model; null where there is none.</param>
    public static IReadOnlyList<TensorField> Fields(ModelVersion model, string? sample)
    {
        TensorField[] fields = [.. model.Inputs.Select(input => new TensorField(input, input.Name == model.ImageInput))];
        if (sample is not null)
        {
            // An Api may be set to take deeper ones than are read by default.
            using var request = JsonDocument.Parse(sample, new JsonDocumentOptions { MaxDepth = MaxDepth });
            foreach (var input in request.RootElement.GetProperty("inputs").EnumerateArray())
            {
                var name = input.GetProperty("name").GetString();
                Array.Find(fields, field => field.Signature.Name == name)?.Fill(input);
            }
        }

        return fields;
    }

    /// <summary>What of a request that was sent the fields hold.</summary>
    public static string Filled(IReadOnlyList<TensorField> fields)
    {
        var left = string.Join(", ", fields.Where(field => !field.IsFilled).Select(field => field.Signature.Name));
        return left.Length == 0 ? "The form has what was sent in that request."
            : fields.Any(field => field.IsFilled) ? $"The form has what was sent in that request, but not of {left}: {TooMuch}"
            : $"What was sent is not filled in, of {left}: {TooMuch}";
    }

    /// <summary>
    /// The outputs of which the playground wants the highest scores: those of a model for images with a score for each class.
    /// </summary>
    public static IReadOnlyList<string> ClassOutputs(ModelVersion model) => model.ImageInput is null
        ? []
        : [.. model.Outputs.Where(o => o is { Datatype: not ("BYTES" or "BOOL"), Shape: [_, not 1] }).Select(o => o.Name)];

    /// <summary>A request as it is shown: a picture or a file of rows would fill the page.</summary>
    public static string Shown(string body, IEnumerable<TensorField> fields) => fields.Aggregate(body, (text, field) => field switch
    {
        { SendsSingle: true, Image: { } image } => text.Replace(Convert.ToBase64String(image), "base64 of the file", StringComparison.Ordinal),
        { Rows: not null, Data.Length: > TensorField.MaxText } => text.Replace(field.Data, "[rows of the file]", StringComparison.Ordinal),
        _ => text,
    });

    /// <summary>The request, or what is wrong with a field.</summary>
    /// <param name="model">Null where all outputs are wanted as they are.</param>
    public static (string? Body, string? Error) Of(IEnumerable<TensorField> fields, ModelVersion? model = null)
    {
        var body = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(body);
        json.WriteStartObject();
        json.WriteStartArray("inputs");
        foreach (var field in fields)
        {
            if (field is { SendsSingle: false, Rows: null, Data.Length: > TensorField.MaxText })
            {
                return (null, $"{field.Signature.Name}: {TooMuch} Send more as rows of a CSV file, or call the API.");
            }

            var sizes = field.Shape.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            json.WriteStartObject();
            json.WriteString("name", field.Signature.Name);
            json.WriteString("datatype", field.Signature.Datatype);
            json.WriteStartArray("shape");
            foreach (var size in sizes)
            {
                if (!long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                {
                    return (null, $"{field.Signature.Name}: '{size}' in the shape is not a whole number.");
                }

                json.WriteNumberValue(number);
            }

            json.WriteEndArray();
            json.WritePropertyName("data");
            if (field.SendsSingle)
            {
                if (field is { IsImage: true, Image: null })
                {
                    return (null, $"{field.Signature.Name}: choose a JPEG or PNG.");
                }

                if (!WriteSingle(json, field))
                {
                    return (null, $"{field.Signature.Name}: '{field.Value}' is not a number.");
                }

                json.WriteEndObject();
                continue;
            }

            try
            {
                using var data = JsonDocument.Parse(field.Data);
                if (data.RootElement.ValueKind != JsonValueKind.Array)
                {
                    return (null, $"{field.Signature.Name}: the data must be a JSON array, such as [1, 2, 3].");
                }

                data.RootElement.WriteTo(json);
            }
            catch (JsonException exception)
            {
                return (null, $"{field.Signature.Name}: the data are not JSON. {exception.Message.Split(" LineNumber:")[0]}");
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteOutputs(json, model);
        json.WriteEndObject();
        json.Flush();
        return (Encoding.UTF8.GetString(body.WrittenSpan), null);
    }

    private static void WriteOutputs(Utf8JsonWriter json, ModelVersion? model)
    {
        if (model is null || ClassOutputs(model) is not { Count: > 0 } classes)
        {
            return;
        }

        json.WriteStartArray("outputs");
        foreach (var output in model.Outputs)
        {
            json.WriteStartObject();
            json.WriteString("name", output.Name);
            if (classes.Contains(output.Name))
            {
                json.WriteStartObject("parameters");
                json.WriteNumber("classification", ShownClasses);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteBytes(Utf8JsonWriter json, TensorField field)
    {
        if (field.Image is { } image)
        {
            json.WriteBase64StringValue(image);
        }
        else
        {
            json.WriteStringValue(field.Value);
        }
    }

    private static bool WriteSingle(Utf8JsonWriter json, TensorField field)
    {
        json.WriteStartArray();
        switch (field.Signature.Datatype)
        {
            case "BOOL":
                json.WriteBooleanValue(field.Flag);
                break;
            case "BYTES":
                WriteBytes(json, field);
                break;
            default:
                // Whether it is one of the datatype is for the Api to say.
                if (!double.TryParse(field.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                    || !double.IsFinite(number))
                {
                    return false;
                }

                json.WriteRawValue(long.TryParse(field.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
                    ? whole.ToString(CultureInfo.InvariantCulture)
                    : number.ToString("R", CultureInfo.InvariantCulture));
                break;
        }

        json.WriteEndArray();
        return true;
    }

    /// <summary>The request as a command for a shell; the body can't end its quotes.</summary>
    public static string Curl(string address, string body) => $"""
        curl {address} \
          -H 'Authorization: Bearer <your API key>' \
          -H 'Content-Type: application/json' \
          -d '{body.Replace("'", @"'\''", StringComparison.Ordinal)}'
        """;

    /// <summary>The request as a C# program; JSON has no three quotes in a row.</summary>
    public static string CSharp(string address, string body) => $$""""
        using System.Net.Http.Headers;
        using System.Text;

        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "<your API key>");
        using var content = new StringContent("""{{body}}""", Encoding.UTF8, "application/json");
        using var response = await http.PostAsync("{{address}}", content);
        Console.WriteLine(await response.Content.ReadAsStringAsync());
        """";

    /// <summary>The request as a Python program. In JSON an apostrophe stands in texts only, where it may be escaped.</summary>
    public static string Python(string address, string body) => $$"""
        import urllib.request

        request = urllib.request.Request(
            "{{address}}",
            data=r'{{body.Replace("'", @"\u0027", StringComparison.Ordinal)}}'.encode(),
            headers={"Authorization": "Bearer <your API key>", "Content-Type": "application/json"})
        print(urllib.request.urlopen(request).read().decode())
        """;

    /// <summary>Where requests to a version go, below the Api's address.</summary>
    public static string Path(ModelVersion model) =>
        $"/v2/models/{Uri.EscapeDataString(model.Name)}/versions/{Uri.EscapeDataString(model.Version)}/infer";
}
