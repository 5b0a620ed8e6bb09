using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Data.Catalog;

/// <summary>Whether requests for a version share runs, and why.</summary>
public sealed record BatchDecision(bool Batched, string Reason)
{
    private const string NotTried = "it has not been tried whether rows are independent";

    /// <summary>Only what was proven, or what an administrator answers for; nothing that a run has contradicted.</summary>
    public static BatchDecision Of(ModelVersion version, ModelSettings settings)
    {
        if (version.State != VersionState.Ready)
        {
            return new(false, "it has not been inspected");
        }

        if (!version.Signature.IsBatchable)
        {
            return new(false, "an input or output does not leave its first dimension open");
        }

        if (version.StepsApart is { } step)
        {
            return new(false, step);
        }

        return (settings.Batching.ModeOf(version.Version), version.BatchProof) switch
        {
            (BatchingMode.Off, _) => new(false, "the setting is off"),
            (_, { Contradicted: true } proof) => new(false, proof.Reason!),
            (_, { Independent: true }) => new(true, "rows were proven independent"),
            (BatchingMode.On, var proof) => new(true, $"the setting is on, although this was not proven: {proof?.Reason ?? NotTried}"),
            (_, var proof) => new(false, proof?.Reason ?? NotTried),
        };
    }
}
