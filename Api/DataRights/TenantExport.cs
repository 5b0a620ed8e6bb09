using System.IO.Compression;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace InferenceTemplate.Api.DataRights;

/// <summary>
/// Writes all that a tenant owns as a zip of JSON lines, a file a table, row by row as they are read, and at the end a manifest.
/// All of it is as one moment had it.
/// </summary>
public sealed class TenantExport(NpgsqlDataSource dataSource, IDbContextFactory<InferenceDbContext> contexts, TimeProvider time)
{
    public const string ManifestName = "manifest.json";

    private static readonly byte[] EndOfLine = "\n"u8.ToArray();

    /// <summary>Whether there is such a tenant, erased or not.</summary>
    public async Task<bool> ExistsAsync(string tenant, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        return await database.Tenants.AnyAsync(t => t.Id == tenant, cancellationToken);
    }

    /// <param name="withPayloads">Whether what requests carried comes along, where it was kept.</param>
    /// <param name="output">Need not be seekable.</param>
    public async Task WriteAsync(string tenant, bool withPayloads, Stream output, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var tables = TenantTable.All(database.Model).Where(t => withPayloads || t.Entity != typeof(RequestPayload)).ToList();
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var snapshot = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        await using var asynchronous = new AsyncOutput(output);
        await using (var archive = await ZipArchive.CreateAsync(
            asynchronous, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, cancellationToken))
        {
            var files = new Dictionary<string, long>(StringComparer.Ordinal);
            foreach (var table in tables)
            {
                var name = $"{table.Name}.jsonl";
                await using var file = await archive.CreateEntry(name).OpenAsync(cancellationToken);
                files[name] = table.Entity == typeof(Job)
                    ? await JobExport.WriteAsync(connection, table, tenant, file, cancellationToken)
                    : await WriteAsync(connection, table, tenant, file, cancellationToken);
            }

            var manifest = new ExportManifest(tenant, time.GetUtcNow(), files);
            await using var last = await archive.CreateEntry(ManifestName).OpenAsync(cancellationToken);
            await JsonSerializer.SerializeAsync(last, manifest, ExportJson.Default.ExportManifest, cancellationToken);
        }

        await asynchronous.FlushAsync(cancellationToken);
    }

    internal static async Task WriteLineAsync(Stream file, ReadOnlyMemory<byte> json, CancellationToken cancellationToken)
    {
        await file.WriteAsync(json, cancellationToken);
        await file.WriteAsync(EndOfLine, cancellationToken);
    }

    private static async Task<long> WriteAsync(
        NpgsqlConnection connection, TenantTable table, string tenant, Stream file, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            $"SELECT to_jsonb(r)::text FROM (SELECT {string.Join(", ", table.Columns)} FROM {table.Name} WHERE {table.IsTenants}) r",
            connection)
        {
            CommandTimeout = 0,
        };
        command.Parameters.AddWithValue(tenant);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var rows = 0L;
        while (await row.ReadAsync(cancellationToken))
        {
            await WriteLineAsync(file, Encoding.UTF8.GetBytes(row.GetString(0)), cancellationToken);
            rows++;
        }

        return rows;
    }
}
