using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.Inspection;

namespace InferenceTemplate.Worker.Pipelines;

/// <summary>A pipeline whose steps are known: what callers see of it, and from where each step gets its inputs.</summary>
/// <param name="Outputs">Of which step each output is, in the order of the signature.</param>
internal sealed record PipelineGraph(ModelSignature Signature, IReadOnlyList<GraphStep> Steps, IReadOnlyList<Source> Outputs)
{
    private const int MaxNamed = 10;

    /// <summary>Whether requests could share the runs of every step.</summary>
    public BatchProof Batching => Steps.FirstOrDefault(s => !s.Model.IsBatchable) is { } step
        ? new BatchProof(false, $"step '{step.Step.Name}': an input or output does not leave its first dimension open")
        : new BatchProof(true);

    /// <summary>Connects the steps.</summary>
    /// <param name="models">What each step's model takes and gives.</param>
    /// <exception cref="ModelRefusedException">They do not go together; the message says why.</exception>
    public static PipelineGraph Connect(PipelineSettings settings, IReadOnlyList<ModelSignature> models)
    {
        var taken = new TensorSignature?[settings.Inputs.Length];
        var takers = new string[settings.Inputs.Length];
        var steps = new List<GraphStep>(settings.Steps.Length);
        for (var i = 0; i < settings.Steps.Length; i++)
        {
            var (step, model) = (settings.Steps[i], models[i]);
            CheckNames(step, model);
            var sources = new Source[model.Inputs.Length];
            for (var j = 0; j < sources.Length; j++)
            {
                var input = model.Inputs[j];
                if (!step.Inputs.TryGetValue(input.Name, out var reference))
                {
                    throw Refused($"step '{step.Name}': the input '{Shown(input.Name)}' of its model is not mapped");
                }

                var to = $"step '{step.Name}': input '{Shown(input.Name)}'";
                var source = sources[j] = SourceOf(settings, models, reference, before: i, to);
                if (source.Step is { } from)
                {
                    CheckFits(models[from].Outputs[source.Index], input, reference, to);
                }
                else
                {
                    taken[source.Index] = Both(taken[source.Index], takers[source.Index], input, to, settings.Inputs[source.Index]);
                    takers[source.Index] = to;
                }
            }

            steps.Add(new GraphStep(step.ToStep(), model, sources));
        }

        Source[] outputs = [.. settings.Outputs.Select(o => OutputOf(settings, models, o.Key, o.Value))];
        CheckUsed(settings, taken, steps, outputs);
        return new PipelineGraph(
            new ModelSignature(
                [.. taken.Select((t, i) => t! with { Name = settings.Inputs[i] })],
                [.. settings.Outputs.Keys.Zip(outputs, (name, o) => models[o.Step!.Value].Outputs[o.Index] with { Name = name })]),
            steps,
            outputs);
    }

    private static void CheckNames(StepSettings step, ModelSignature model)
    {
        foreach (var name in step.Inputs.Keys)
        {
            if (Array.Exists(model.OptionalInputs, i => i.Name == name))
            {
                throw Refused($"step '{step.Name}': the input '{name}' has a value in its model and keeps it; it can't be mapped");
            }

            if (!Array.Exists(model.Inputs, i => i.Name == name))
            {
                throw Refused($"step '{step.Name}': its model has no input '{Shown(name)}', but {Named(model.Inputs)}");
            }
        }
    }

    private static Source SourceOf(
        PipelineSettings settings, IReadOnlyList<ModelSignature> models, string reference, int before, string to)
    {
        var dot = reference.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0)
        {
            var input = Array.IndexOf(settings.Inputs, reference);
            return input >= 0
                ? new Source(null, input)
                : throw Refused(
                    $"{to} is '{Shown(reference)}', which the pipeline's inputs do not name; an output of a step is written 'step.output'");
        }

        var name = reference[..dot];
        var step = Array.FindIndex(settings.Steps, s => s.Name == name);
        return step < 0 ? throw Refused($"{to} is '{Shown(reference)}', and there is no step '{Shown(name)}'")
            : step >= before ? throw Refused(
                $"{to} is '{Shown(reference)}', and step '{name}' does not run before it: "
                + "steps run in the order in which they are written, and none in a circle")
            : new Source(step, IndexOf(models[step], reference[(dot + 1)..], name, to));
    }

    private static Source OutputOf(PipelineSettings settings, IReadOnlyList<ModelSignature> models, string name, string? reference)
    {
        var to = $"output '{name}'";
        return reference?.Contains('.', StringComparison.Ordinal) == true
            ? SourceOf(settings, models, reference, before: int.MaxValue, to)
            : throw Refused($"{to} is '{Shown(reference ?? "")}'; the output of a step is expected, written 'step.output'");
    }

    private static int IndexOf(ModelSignature model, string output, string step, string to) =>
        Array.FindIndex(model.Outputs, o => o.Name == output) is >= 0 and var index
            ? index
            : throw Refused($"{to} is an output '{Shown(output)}' of step '{step}', whose model has {Named(model.Outputs)}");

    private static void CheckFits(TensorSignature given, TensorSignature input, string reference, string to)
    {
        if (given.Datatype != input.Datatype || Narrowed(given, input) is null)
        {
            throw Refused($"{to} is {Told(input)}, and '{Shown(reference)}' is {Told(given)}");
        }
    }

    // What every step takes that the input goes to.
    private static TensorSignature Both(TensorSignature? taken, string taker, TensorSignature input, string to, string name)
    {
        if (taken is null)
        {
            return input;
        }

        return taken.Datatype == input.Datatype && Narrowed(taken, input) is { } both
            ? both
            : throw Refused($"input '{name}' can't be what its steps take: {taker} is {Told(taken)}, {to} is {Told(input)}");
    }

    private static TensorSignature? Narrowed(TensorSignature one, TensorSignature other)
    {
        if (one.IsUnranked || other.IsUnranked)
        {
            return one.IsUnranked ? other : one;
        }

        if (one.Shape.Length != other.Shape.Length)
        {
            return null;
        }

        var shape = new long[one.Shape.Length];
        for (var d = 0; d < shape.Length; d++)
        {
            var (a, b) = (one.Shape[d], other.Shape[d]);
            if (a != b && a != TensorShape.Variable && b != TensorShape.Variable)
            {
                return null;
            }

            shape[d] = a == TensorShape.Variable ? b : a;
        }

        return one with { Shape = shape };
    }

    private static void CheckUsed(PipelineSettings settings, TensorSignature?[] taken, List<GraphStep> steps, Source[] outputs)
    {
        if (Array.FindIndex(taken, t => t is null) is >= 0 and var input)
        {
            throw Refused($"no step takes the input '{settings.Inputs[input]}'");
        }

        var idle = Enumerable.Range(0, steps.Count).FirstOrDefault(
            i => !outputs.Concat(steps.SelectMany(s => s.Inputs)).Any(source => source.Step == i), -1);
        if (idle >= 0)
        {
            throw Refused($"nothing takes an output of step '{steps[idle].Step.Name}'");
        }
    }

    private static string Told(TensorSignature tensor) =>
        $"{tensor.Datatype.Name()} {(tensor.IsUnranked ? "of any shape" : TensorShape.Format(tensor.Shape))}";

    private static string Named(TensorSignature[] tensors) =>
        string.Join(", ", tensors.Take(MaxNamed).Select(t => $"'{Shown(t.Name)}'")) + (tensors.Length > MaxNamed ? " and others" : "");

    private static string Shown(string name) => ModelFileNames.Shown(name);

    private static ModelRefusedException Refused(string reason) => new($"{PipelineSettings.FileName}: {reason}");
}

/// <param name="Model">What its model takes and gives.</param>
/// <param name="Inputs">From where it gets each input, in the model's order.</param>
internal sealed record GraphStep(PipelineStep Step, ModelSignature Model, IReadOnlyList<Source> Inputs);

/// <summary>An output of a step; an input of the pipeline where there is no step.</summary>
internal sealed record Source(int? Step, int Index);
