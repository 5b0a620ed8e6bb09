using System.Globalization;
using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Api.Traffic;

/// <param name="Reason">The numbers that it rests on, in words.</param>
public sealed record RollbackEvaluation(bool RollBack, string Reason)
{
    /// <summary>Weighs a canary against its rule. With too few requests nothing is decided.</summary>
    public static RollbackEvaluation Of(RollbackRule rule, VersionOutcomes canary, VersionOutcomes stable)
    {
        if (canary.Requests < rule.MinSample)
        {
            return new(false, $"{canary.Requests} of the {rule.MinSample} requests seen that an evaluation needs");
        }

        if (canary.ErrorRate > rule.MaxErrorRate)
        {
            return new(true, $"{canary.Errors} of {canary.Requests} requests failed, {Percent(canary.ErrorRate)}; "
                + $"at most {Percent(rule.MaxErrorRate)} may");
        }

        if (rule.MaxLatencyRatio is not { } most)
        {
            return new(false, $"{Percent(canary.ErrorRate)} of {canary.Requests} requests failed");
        }

        // Either mean needs a sample of its own: with all requests at the canary, there is nothing to compare it with.
        if (canary.Computed < rule.MinSample || stable.Computed < rule.MinSample)
        {
            return new(false, $"{Percent(canary.ErrorRate)} of {canary.Requests} requests failed; "
                + $"{Math.Min(canary.Computed, stable.Computed)} of the {rule.MinSample} runs seen that a comparison of latency needs");
        }

        var ratio = canary.MeanCompute!.Value / Math.Max(stable.MeanCompute!.Value, 1e-6);
        var latency = $"mean compute time is {Number(ratio)} times the stable version's "
            + $"({Number(canary.MeanCompute.Value * 1000)} ms against {Number(stable.MeanCompute.Value * 1000)} ms)";
        return ratio > most
            ? new(true, $"{latency}; at most {Number(most)} times is allowed")
            : new(false, $"{Percent(canary.ErrorRate)} of {canary.Requests} requests failed; {latency}");
    }

    private static string Percent(double share) => $"{Number(share * 100)} %";

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
