using Npgsql;

namespace InferenceTemplate.Api.Jobs;

/// <summary>Removes jobs that have ended, with their results and idempotency keys.</summary>
public sealed class JobDeletion(NpgsqlDataSource dataSource)
{
    // Whoever has it in flight, or in the queue, could still end one that has not ended.
    private const string Sql = """
        DELETE FROM jobs WHERE id = $1 AND tenant_id = $2 AND state IN ('succeeded', 'failed', 'cancelled', 'dead_lettered')
        """;

    /// <summary>False where the tenant has no such job that has ended.</summary>
    public async Task<bool> DeleteAsync(string tenant, Guid id, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Sql);
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(tenant);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }
}
