using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Inspection;

namespace InferenceTemplate.Worker.Preprocessing;

/// <summary>What stands between callers and a model by files of its version, and makes the model's inputs of what they send.</summary>
internal interface IPreprocessor
{
    /// <summary>What callers see of a model.</summary>
    /// <exception cref="ModelRefusedException">The model is none that this could feed; the message says why.</exception>
    ModelSignature SignatureOver(ModelSignature model);

    /// <summary>The input that callers fill with images; null where none is.</summary>
    string? ImageInputOf(ModelSignature signature);

    /// <summary>Makes runs by what callers send, over one that makes the model's own.</summary>
    /// <param name="model">The model's own inputs and outputs.</param>
    /// <returns>Owns the instance beneath.</returns>
    IModelInstance Over(ModelInstance instance, ModelSignature model);

    /// <summary>A request with which a model that is new can be run.</summary>
    /// <param name="signature">What callers see.</param>
    Tensor[] Example(ModelSignature signature);

    /// <summary>Elements of which made-up requests are made; null where any words will do.</summary>
    MadeUpElements? ElementsOf(string input);

    /// <summary>Tries whether an open model goes with what was declared of it.</summary>
    /// <exception cref="ModelRefusedException">It does not; the message says why.</exception>
    void Try(ModelSession session);
}
