using InferenceTemplate.Api.Drift;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Npgsql;

namespace InferenceTemplate.Api.Traffic;

/// <param name="Reason">The numbers that it rests on, in words.</param>
public sealed record Rollback(string Model, string Version, string Reason);

/// <summary>Weighs every canary that has a rule, over all Api replicas, and rolls back those that break it.</summary>
public sealed class CanaryJudge(
    ModelCatalog catalog, TrafficOutcomes outcomes, TrafficPolicyStore policies, DriftReader drift, NpgsqlDataSource dataSource)
{
    /// <summary>One round. Of several processes that call it at once, one does the work.</summary>
    /// <returns>What this process has rolled back.</returns>
    /// <exception cref="QueueUnavailableException">The counts can't be read; nothing was decided.</exception>
    public async Task<IReadOnlyList<Rollback>> JudgeAsync(CancellationToken cancellationToken)
    {
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        var tried = snapshot.Models.Where(m => m.Settings.Traffic is { Canary: not null, Rollback: not null }).ToList();
        if (tried.Count == 0)
        {
            return [];
        }

        await using var lead = await LeaderLock.TryTakeAsync(dataSource, "traffic.rollback", cancellationToken);
        if (lead is null)
        {
            return [];
        }

        var taken = new List<Rollback>();
        foreach (var model in tried)
        {
            var policy = model.Settings.Traffic;
            if (await EvaluationAsync(model.Name, policy, cancellationToken) is { RollBack: true } evaluation
                && await policies.RollBackAsync(model.Name, policy, evaluation.Reason, cancellationToken))
            {
                taken.Add(new Rollback(model.Name, policy.Canary!.Version, evaluation.Reason));
            }
        }

        return taken;
    }

    /// <summary>How a canary stands; null where there is none, or no rule to weigh it by.</summary>
    /// <exception cref="QueueUnavailableException">The counts can't be read.</exception>
    public async Task<RollbackEvaluation?> EvaluationAsync(string model, TrafficPolicy policy, CancellationToken cancellationToken)
    {
        if (policy is not { Canary: { } canary, Rollback: { } rule })
        {
            return null;
        }

        string[] versions = [.. (await catalog.SnapshotAsync(cancellationToken)).ReadyOf(model).Select(v => v.Version)];
        if (policy.StableOf(versions) is not { } stable)
        {
            return null;
        }

        var evaluation = RollbackEvaluation.Of(
            rule,
            await outcomes.ReadAsync(model, canary.Version, policy.Since, rule.Window),
            await outcomes.ReadAsync(model, stable, policy.Since, rule.Window));
        if (evaluation.RollBack || rule.MaxOutputDrift is null)
        {
            return evaluation;
        }

        var (rollBack, reason) = await drift.OfCanaryAsync(model, canary.Version, stable, rule, policy.Since, cancellationToken);
        return new(rollBack, rollBack ? reason : $"{evaluation.Reason}; {reason}");
    }
}
