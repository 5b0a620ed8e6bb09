using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Api.Jobs;

/// <summary>What can be seen of a job: all but what went in and came out.</summary>
public sealed record JobFacts(
    Guid Id,
    string Model,
    string Version,
    Priority Priority,
    JobState State,
    int Attempt,
    int MaxAttempts,
    float Progress,
    bool CancelRequested,
    string? RequestId,
    string? Error,
    short? ErrorStatus,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt,
    DateTimeOffset DeadlineAt,
    DateTimeOffset? ExpiresAt)
{
    /// <summary>In the configured currency; 0 until it has run.</summary>
    public decimal Cost { get; init; }

    public string? Tenant { get; init; }

    /// <summary>Of the trace in which it was sent, or retried, and in which it runs.</summary>
    public string? TraceId { get; init; }
}

/// <summary>Reads of jobs. Each is of one tenant, but for the list: others' jobs are not there.</summary>
public sealed class JobQueries(IDbContextFactory<InferenceDbContext> contexts)
{
    /// <summary>The job, or null where the tenant has none of that id.</summary>
    /// <param name="models">Those that the caller may use; null for all.</param>
    public async Task<JobFacts?> FindAsync(string tenant, string[]? models, Guid id, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var jobs = database.Jobs.Where(j => j.TenantId == tenant && j.Id == id);
        jobs = models is null ? jobs : jobs.Where(j => models.Contains(j.RequestedModel ?? j.Model));
        return await Facts(jobs).SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>Jobs from the newest to the oldest, those before <paramref name="before"/> where it is given.</summary>
    /// <param name="tenant">Null for all.</param>
    /// <param name="models">Those that the caller may use; null for all.</param>
    public async Task<IReadOnlyList<JobFacts>> ListAsync(
        string? tenant, string[]? models, JobState? state, string? model, Guid? before, int limit, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var jobs = tenant is null ? database.Jobs : database.Jobs.Where(j => j.TenantId == tenant);
        jobs = state is null ? jobs : jobs.Where(j => j.State == state);
        jobs = model is null ? jobs : jobs.Where(j => j.Model == model);
        jobs = models is null ? jobs : jobs.Where(j => models.Contains(j.RequestedModel ?? j.Model));
        jobs = before is null ? jobs : jobs.Where(j => j.Id < before);
        return await Facts(jobs.OrderByDescending(j => j.Id).Take(limit)).ToListAsync(cancellationToken);
    }

    /// <summary>The answer of a job that succeeded; null where it did not, or its result has expired.</summary>
    public async Task<InferenceReply?> OutputsAsync(string tenant, Guid id, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var outputs = await database.Jobs.Where(j => j.TenantId == tenant && j.Id == id)
            .Select(j => j.Outputs).SingleOrDefaultAsync(cancellationToken);
        return outputs is null ? null : ReplyBatch.Read(outputs).Single();
    }

    private static IQueryable<JobFacts> Facts(IQueryable<Job> jobs) => jobs.Select(j => new JobFacts(
        j.Id, j.Model, j.Version, j.Priority, j.State, j.Attempt, j.MaxAttempts, j.Progress, j.CancelRequested, j.RequestId,
        j.Error, j.ErrorStatus, j.CreatedAt, j.StartedAt, j.FinishedAt, j.DeadlineAt, j.ExpiresAt)
    {
        Cost = j.Cost,
        Tenant = j.TenantId,
        TraceId = j.TraceId,
    });
}
