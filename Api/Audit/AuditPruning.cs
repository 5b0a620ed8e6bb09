using Npgsql;

namespace InferenceTemplate.Api.Audit;

/// <summary>
/// Forgets the oldest part of the chain. An entry at its end says up to where and which hash stood there; without it the verifier
/// takes the same for tampering.
/// </summary>
public sealed class AuditPruning(NpgsqlDataSource dataSource, AuditChain chain)
{
    private const int Batch = 20_000;

    // The oldest entries up to the first that is to stay, or the batch's end. The last entry of all stays in any case.
    private const string Through = """
        SELECT sequence, hash FROM audit_entries
        WHERE sequence < coalesce((SELECT sequence FROM audit_entries WHERE at >= $1 ORDER BY sequence LIMIT 1),
                                  (SELECT max(sequence) FROM audit_entries))
          AND sequence < (SELECT min(sequence) FROM audit_entries) + $2
        ORDER BY sequence DESC LIMIT 1
        """;

    private const string Allow = "SELECT set_config('inference.audit_pruning', 'on', true)";

    /// <summary>How many entries are older; as many as <see cref="PruneAsync"/> would take, unless more come meanwhile.</summary>
    public async Task<long> CountAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            SELECT count(*) FROM audit_entries
            WHERE sequence < coalesce((SELECT sequence FROM audit_entries WHERE at >= $1 ORDER BY sequence LIMIT 1),
                                      (SELECT max(sequence) FROM audit_entries))
            """);
        command.Parameters.AddWithValue(before);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Removes a batch of the oldest entries.</summary>
    /// <returns>How many; 0 when none is older.</returns>
    public async Task<int> PruneAsync(DateTimeOffset before, string actor, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await AuditChain.LockAsync(connection, cancellationToken);
        AuditHead? through = null;
        await using (var command = new NpgsqlCommand(Through, connection))
        {
            command.Parameters.AddWithValue(before);
            command.Parameters.AddWithValue(Batch);
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            if (await row.ReadAsync(cancellationToken))
            {
                through = AuditHead.Of(row.GetInt64(0), await row.GetFieldValueAsync<byte[]>(1, cancellationToken));
            }
        }

        if (through is null)
        {
            return 0;
        }

        await chain.AppendAsync(
            connection, [new AuditEvent(AuditActions.Pruned, actor, TenantId: null, through.ToString())], cancellationToken);
        await using var allow = new NpgsqlCommand(Allow, connection);
        await allow.ExecuteNonQueryAsync(cancellationToken);
        await using var delete = new NpgsqlCommand("DELETE FROM audit_entries WHERE sequence <= $1", connection);
        delete.Parameters.AddWithValue(through.Sequence);
        var pruned = await delete.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return pruned;
    }
}
