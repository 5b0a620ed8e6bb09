using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.SignIn;

namespace InferenceTemplate.Web.Live;

/// <summary>The platform's state as the Api tells it, read once for all pages of an API key.</summary>
internal sealed class SharedOverview(InferenceApi api, AdministrationApi administration, SharedReads reads, TimeProvider time)
{
    // Less than the second between the looks of a page, so that each finds something new.
    private static readonly TimeSpan Second = TimeSpan.FromMilliseconds(900);

    /// <summary>For what is summed by the minute.</summary>
    public static readonly TimeSpan Slow = TimeSpan.FromSeconds(15);

    /// <summary>For what is counted model by model: each version is a read of the Api's own.</summary>
    public static readonly TimeSpan Counts = TimeSpan.FromSeconds(5);

    /// <param name="anew">Whether what others have read is too old, since something was done.</param>
    public Task<SharedAnswer<Overview>> GetAsync(Session session, CancellationToken cancellationToken, bool anew = false) =>
        reads.ReadAsync(
            session, "overview", anew ? TimeSpan.Zero : Second, () => api.GetOverviewAsync(session.AccessToken, cancellationToken),
            cancellationToken);

    public async Task<ApiResult<TrafficHistory>> GetHistoryAsync(Session session, string range, CancellationToken cancellationToken) =>
        (await reads.ReadAsync(
            session, range, Slow, () => api.GetHistoryAsync(session.AccessToken, range, cancellationToken), cancellationToken)).Result;

    public async Task<ApiResult<PlatformChanges>> GetChangesAsync(
        Session session, string range, CancellationToken cancellationToken, string? model = null) =>
        (await reads.ReadAsync(
            session, $"changes {range} {model}", Slow, () => api.GetChangesAsync(session.AccessToken, range, model, cancellationToken),
            cancellationToken)).Result;

    public async Task<ApiResult<Objectives>> GetObjectivesAsync(Session session, CancellationToken cancellationToken) =>
        (await reads.ReadAsync(
            session, "objectives", Slow, () => api.GetObjectivesAsync(session.AccessToken, cancellationToken), cancellationToken)).Result;

    /// <summary>What the last whole hour cost: of all tenants for an admin, else of the own.</summary>
    public async Task<ApiResult<Usage>> GetLastHourAsync(Session session, CancellationToken cancellationToken) =>
        (await reads.ReadAsync(
            session, "hour", Slow,
            () => administration.GetLastHourAsync(session.AccessToken, time.GetUtcNow(), session.IsAdmin ? "all" : null, cancellationToken),
            cancellationToken)).Result;

    public Task<SharedAnswer<ModelStatistics>> GetStatisticsAsync(Session session, CancellationToken cancellationToken) =>
        reads.ReadAsync(
            session, "statistics", Counts, () => api.GetStatisticsAsync(session.AccessToken, cancellationToken), cancellationToken);
}
