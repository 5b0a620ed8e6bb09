using System.Runtime.CompilerServices;
using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>
/// Reads of batches. Each is of one tenant, but for the list: others' batches are not there, nor is one that still arrives.
/// </summary>
public sealed class BatchQueries(IDbContextFactory<InferenceDbContext> contexts, NpgsqlDataSource dataSource)
{
    private const int PageLines = 256;
    private const int PageBytes = 8 << 20;

    // At least one line, and no more than a page's bytes: a result may be large.
    private const string Page = """
        SELECT number, custom_id, result, error, error_status FROM (
            SELECT number, custom_id, result, error, error_status,
                sum(coalesce(octet_length(result), 0)) OVER (ORDER BY number) AS bytes, row_number() OVER (ORDER BY number) AS place
            FROM (
                SELECT number, custom_id, result, error, error_status FROM batch_lines
                WHERE batch_id = $1 AND number > $2 AND (state = 1) = $3 ORDER BY number LIMIT $4) AS candidates) AS page
        WHERE bytes <= $5 OR place = 1 ORDER BY number
        """;

    /// <param name="models">Those that the caller may use; null for all. A batch with a line for another one is not there.</param>
    public async Task<BatchFacts?> FindAsync(string tenant, string[]? models, Guid id, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        return await Facts(Visible(database, tenant, models).Where(b => b.Id == id)).SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>Batches from the newest to the oldest, those before <paramref name="before"/> where it is given.</summary>
    /// <param name="tenant">Null for all.</param>
    public async Task<IReadOnlyList<BatchFacts>> ListAsync(
        string? tenant, string[]? models, BatchState? state, Guid? before, int limit, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var batches = Visible(database, tenant, models);
        batches = state is null ? batches : batches.Where(b => b.State == state);
        batches = before is null ? batches : batches.Where(b => b.Id < before);
        return await Facts(batches.OrderByDescending(b => b.Id).Take(limit)).ToListAsync(cancellationToken);
    }

    /// <summary>The lines of a batch in their order, page by page: a slow reader holds no connection.</summary>
    /// <param name="completed">Those that completed, or all others.</param>
    public async IAsyncEnumerable<BatchFileLine> LinesAsync(
        Guid id, bool completed, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var after = 0;
        while (true)
        {
            var lines = await PageAsync(id, completed, after, cancellationToken);
            if (lines.Count == 0)
            {
                yield break;
            }

            foreach (var line in lines)
            {
                yield return line;
            }

            after = lines[^1].Number;
        }
    }

    private async Task<List<BatchFileLine>> PageAsync(Guid id, bool completed, int after, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Page);
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(after);
        command.Parameters.AddWithValue(completed);
        command.Parameters.AddWithValue(PageLines);
        command.Parameters.AddWithValue((long)PageBytes);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var lines = new List<BatchFileLine>();
        while (await reader.ReadAsync(cancellationToken))
        {
            lines.Add(new(
                reader.GetInt32(0),
                reader.GetValue(1) as string,
                reader.GetValue(2) as byte[],
                reader.GetValue(3) as string,
                reader.GetValue(4) as short?));
        }

        return lines;
    }

    private static IQueryable<Batch> Visible(InferenceDbContext database, string? tenant, string[]? models)
    {
        var batches = database.Batches.Where(b => b.State != BatchState.Receiving);
        batches = tenant is null ? batches : batches.Where(b => b.TenantId == tenant);
        return models is null ? batches : batches.Where(b => b.Models != null && b.Models.All(model => models.Contains(model)));
    }

    private static IQueryable<BatchFacts> Facts(IQueryable<Batch> batches) => batches.Select(b => new BatchFacts(
        b.Id, b.State, b.Total, b.Completed, b.Failed, b.CreatedAt, b.StartedAt, b.FinishedAt, b.DeadlineAt, b.ExpiresAt, b.IsEmptied)
    {
        TenantId = b.TenantId,
        TraceParent = b.TraceParent,
    });
}
