namespace InferenceTemplate.Worker.Inspection;

/// <summary>The graphs of a model, those within nodes and functions too: which operators they use, how many nodes there are.</summary>
internal sealed class OnnxGraphScanner(ProtobufReader reader, InspectionLimits limits, ExternalFiles files)
{
    private const int MaxDepth = 16;
    private const int MaxName = 256;
    private const string DefaultDomain = "ai.onnx";

    // Operators of ONNX Runtime's own domain that load code or files, or hand data to other programs.
    private static readonly HashSet<string> Refused = new(StringComparer.Ordinal)
    {
        "EPContext", "PythonOp", "PythonOpGrad", "ATen", "TritonOp", "Snpe", "AzureAudioToText", "AzureTextToText", "OpenAIAudioToText",
        "ExternalGradient",
    };

    private readonly OnnxTensorScanner _tensors = new(reader, files);
    private readonly OnnxValueScanner _values = new(reader);
    private readonly HashSet<(string Domain, string Operator)> _used = [];
    private readonly HashSet<(string Domain, string Operator)> _functions = [];
    private int _nodes;

    public IReadOnlySet<string> Operators => _used.Select(u => u.Operator).ToHashSet(StringComparer.Ordinal);

    /// <summary>Inputs and outputs of any rank.</summary>
    public IReadOnlySet<string> Unranked => _values.Unranked;

    public bool SawGraph { get; private set; }

    /// <summary>Of the outermost graph.</summary>
    public string Name { get; private set; } = "";

    public void Graph(long end, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new ModelRefusedException($"its graphs are nested more than {MaxDepth} deep");
        }

        SawGraph = true;
        for (ProtobufField field; reader.TryNext(end, out field); reader.MoveTo(field.End))
        {
            switch (field)
            {
                case { Number: 1, IsBlock: true }:
                    Node(field.End, depth);
                    break;
                case { Number: 2, IsBlock: true } when depth == 0:
                    Name = reader.ReadText(field, MaxName);
                    break;
                case { Number: 5, IsBlock: true }:
                    _tensors.Tensor(field);
                    break;
                case { Number: 11 or 12, IsBlock: true } when depth == 0:
                    _values.Value(field, field.Number == 11 ? "input" : "output");
                    break;
                case { Number: 15, IsBlock: true }:
                    _tensors.SparseTensor(field.End);
                    break;
            }
        }
    }

    /// <summary>An operator that the model itself defines, out of others.</summary>
    public void Function(long end)
    {
        var (name, domain) = ("", "");
        for (ProtobufField field; reader.TryNext(end, out field); reader.MoveTo(field.End))
        {
            switch (field)
            {
                case { Number: 1, IsBlock: true }:
                    name = reader.ReadText(field, MaxName);
                    break;
                case { Number: 7, IsBlock: true }:
                    Node(field.End, depth: 0);
                    break;
                case { Number: 10, IsBlock: true }:
                    domain = reader.ReadText(field, MaxName);
                    break;
                case { Number: 11, IsBlock: true }:
                    Attribute(field.End, depth: 0);
                    break;
            }
        }

        _functions.Add((domain, name));
    }

    /// <summary>To be called when all has been seen: functions may stand after the nodes that use them.</summary>
    /// <exception cref="ModelRefusedException">An operator is neither known nor defined by the model.</exception>
    public void CheckOperators()
    {
        foreach (var (domain, name) in _used.Where(u => !_functions.Contains(u)))
        {
            var known = domain.Length == 0 ? DefaultDomain : domain;
            if (!limits.Domains.Contains(known, StringComparer.Ordinal) || Refused.Contains(name))
            {
                throw new ModelRefusedException($"it uses the operator '{known}.{name}', which is not allowed");
            }
        }
    }

    private void Node(long end, int depth)
    {
        if (++_nodes > limits.MaxNodes)
        {
            throw new ModelRefusedException($"it has more than {limits.MaxNodes} nodes");
        }

        var (name, domain) = ("", "");
        for (ProtobufField field; reader.TryNext(end, out field); reader.MoveTo(field.End))
        {
            switch (field)
            {
                case { Number: 4, IsBlock: true }:
                    name = reader.ReadText(field, MaxName);
                    break;
                case { Number: 5, IsBlock: true }:
                    Attribute(field.End, depth);
                    break;
                case { Number: 7, IsBlock: true }:
                    domain = reader.ReadText(field, MaxName);
                    break;
            }
        }

        _used.Add((domain, name));
    }

    private void Attribute(long end, int depth)
    {
        for (ProtobufField field; reader.TryNext(end, out field); reader.MoveTo(field.End))
        {
            switch (field)
            {
                case { Number: 5 or 10, IsBlock: true }:
                    _tensors.Tensor(field);
                    break;
                case { Number: 6 or 11, IsBlock: true }:
                    Graph(field.End, depth + 1);
                    break;
                case { Number: 22 or 23, IsBlock: true }:
                    _tensors.SparseTensor(field.End);
                    break;
            }
        }
    }
}
