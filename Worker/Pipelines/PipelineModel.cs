using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.ModelCache;

namespace InferenceTemplate.Worker.Pipelines;

/// <summary>Why a version does not get these inputs, in the order of its signature; null where it does.</summary>
internal delegate string? RefuseInputs(string model, string version, IReadOnlyList<Tensor> inputs);

/// <summary>An open pipeline. It holds a lease on the model of each step, which other callers of that model use too.</summary>
/// <param name="steps">A lease for each step, given back when this is closed.</param>
/// <param name="refusal">Why a step does not get some inputs; null where nothing is kept from any.</param>
internal sealed class PipelineModel(PipelineGraph graph, IReadOnlyList<ModelLease> steps, RefuseInputs? refusal = null) : IDisposable
{
    public ModelSignature Signature => graph.Signature;

    public PipelineInstance CreateInstance()
    {
        var instances = new List<IModelInstance>(steps.Count);
        try
        {
            foreach (var step in steps)
            {
                instances.Add(step.Session.CreateInstance());
            }

            return new PipelineInstance(graph, instances, refusal);
        }
        catch
        {
            instances.ForEach(i => i.Dispose());
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var step in steps)
        {
            step.Dispose();
        }
    }
}
