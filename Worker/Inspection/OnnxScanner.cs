using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>
/// Reads an ONNX file as far as is needed to refuse what must not reach ONNX Runtime: data outside its files, operators
/// that are not its own, and more than it could hold. Field numbers are those of onnx.proto.
/// </summary>
internal sealed class OnnxScanner
{
    private const int MaxText = 4096;
    private const int MaxCard = 64 << 10;
    private const string Card = "readme";
    private const int MaxName = 256;
    private const int MaxProperties = 64;

    // Of all together, names included: every process reads those of all versions, each second.
    private const int MaxPropertyCharacters = 256 << 10;
    private const string DefaultDomain = "ai.onnx";

    private readonly ProtobufReader _reader;
    private readonly OnnxGraphScanner _graphs;
    private readonly InspectionLimits _limits;
    private readonly Dictionary<string, long> _opsets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _properties = new(StringComparer.Ordinal);
    private int _propertyCharacters;
    private string _producer = "";
    private string _producerVersion = "";
    private string _description = "";
    private bool _hasIrVersion;

    private OnnxScanner(Stream stream, InspectionLimits limits, ExternalFiles files)
    {
        (_reader, _limits) = (new ProtobufReader(stream), limits);
        _graphs = new OnnxGraphScanner(_reader, limits, files);
    }

    /// <param name="files">Where it may keep data outside its file; null for nowhere.</param>
    /// <exception cref="ModelRefusedException">The file is no ONNX model, or one that is not served.</exception>
    public static ScannedModel Scan(string path, InspectionLimits limits, ExternalFiles? files = null)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        return Scan(stream, limits, files);
    }

    public static ScannedModel Scan(Stream stream, InspectionLimits limits, ExternalFiles? files = null)
    {
        RefuseOtherFormats(stream);
        var scanner = new OnnxScanner(stream, limits, files ?? ExternalFiles.None());
        try
        {
            return new ScannedModel(scanner.Model(), scanner._graphs.Operators, scanner._graphs.Unranked);
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException)
        {
            throw new ModelRefusedException($"this is not an ONNX model, or it is cut off: {exception.Message}");
        }
    }

    // ONNX Runtime would take a file of its own format by these letters, past everything that is looked at here.
    private static void RefuseOtherFormats(Stream stream)
    {
        var head = new byte[8];
        var length = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        if (length == head.Length && head.AsSpan(4).SequenceEqual("ORTM"u8))
        {
            throw new ModelRefusedException("this is in ONNX Runtime's own format; only ONNX files are served");
        }

        if (head is [0x1F, 0x8B, ..])
        {
            throw new ModelRefusedException("this is compressed by gzip; upload the .onnx itself, a zip, or a tar that is not compressed");
        }
    }

    private VersionMetadata Model()
    {
        for (ProtobufField field; _reader.TryNext(_reader.Length, out field); _reader.MoveTo(field.End))
        {
            switch (field)
            {
                case { Number: 1, IsVarint: true }:
                    _hasIrVersion = true;
                    break;
                case { Number: 2, IsBlock: true }:
                    _producer = _reader.ReadText(field, MaxName);
                    break;
                case { Number: 3, IsBlock: true }:
                    _producerVersion = _reader.ReadText(field, MaxName);
                    break;
                case { Number: 6, IsBlock: true }:
                    _description = _reader.ReadText(field, MaxCard);
                    break;
                case { Number: 7, IsBlock: true }:
                    _graphs.Graph(field.End, depth: 0);
                    break;
                case { Number: 8, IsBlock: true }:
                    OperatorSet(field.End);
                    break;
                case { Number: 14, IsBlock: true }:
                    Property(field.End);
                    break;
                case { Number: 20, IsBlock: true }:
                    throw new ModelRefusedException("it holds training graphs; only models for inference are served");
                case { Number: 25, IsBlock: true }:
                    _graphs.Function(field.End);
                    break;
            }
        }

        if (!_hasIrVersion || !_graphs.SawGraph)
        {
            throw new ModelRefusedException("this is not an ONNX model: it has no IR version or no graph");
        }

        _graphs.CheckOperators();
        return new VersionMetadata
        {
            Producer = $"{_producer} {_producerVersion}".Trim(),
            Graph = _graphs.Name,
            Description = _description,
            Opsets = _opsets,
            Properties = _properties,
        };
    }

    private void OperatorSet(long end)
    {
        var (domain, version) = ("", 0L);
        for (ProtobufField field; _reader.TryNext(end, out field); _reader.MoveTo(field.End))
        {
            switch (field)
            {
                case { Number: 1, IsBlock: true }:
                    domain = _reader.ReadText(field, MaxName);
                    break;
                case { Number: 2, IsVarint: true }:
                    version = (long)field.Value;
                    break;
            }
        }

        _opsets[domain.Length == 0 ? DefaultDomain : domain] = version;
        if (_opsets.Count > _limits.Domains.Length + MaxProperties)
        {
            throw new ModelRefusedException("it imports too many operator sets");
        }
    }

    private void Property(long end)
    {
        var (key, value, length) = ("", "", 0L);
        for (ProtobufField field; _reader.TryNext(end, out field); _reader.MoveTo(field.End))
        {
            switch (field)
            {
                case { Number: 1, IsBlock: true }:
                    key = _reader.ReadText(field, MaxName);
                    break;
                case { Number: 2, IsBlock: true }:
                    value = _reader.ReadText(field, ClassLabels.IsProperty(key) ? ClassLabels.MaxBytes : key == Card ? MaxCard : MaxText);
                    length = field.Length;
                    break;
            }
        }

        // They are for people; what is beyond the bound is left out rather than refused. Half of the classes' names would be wrong ones.
        if (_properties.Count < MaxProperties && !(ClassLabels.IsProperty(key) && length > ClassLabels.MaxBytes)
            && _propertyCharacters + key.Length + value.Length is var characters and <= MaxPropertyCharacters)
        {
            _properties[key] = value;
            _propertyCharacters = characters;
        }
    }
}

/// <summary>What a file says of its model.</summary>
/// <param name="Operators">The names of those that it uses, in whatever graph and domain.</param>
/// <param name="Unranked">Inputs and outputs without a shape.</param>
internal sealed record ScannedModel(VersionMetadata Metadata, IReadOnlySet<string> Operators, IReadOnlySet<string> Unranked)
{
    /// <summary>ONNX Runtime tells a tensor of any rank as a scalar.</summary>
    public ModelSignature WithRanks(ModelSignature signature) =>
        signature with { Inputs = WithRanks(signature.Inputs), Outputs = WithRanks(signature.Outputs) };

    private TensorSignature[] WithRanks(TensorSignature[] tensors) =>
        [.. tensors.Select(
            tensor => tensor.Shape.Length == 0 && Unranked.Contains(tensor.Name) ? tensor with { IsUnranked = true } : tensor)];
}
