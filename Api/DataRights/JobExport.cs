using System.Buffers;
using System.Text.Json;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using Npgsql;

namespace InferenceTemplate.Api.DataRights;

/// <summary>
/// Jobs as lines: their columns, and the tensors of request and answer where they are still kept, as Base64 of their raw bytes.
/// </summary>
internal static class JobExport
{
    public static async Task<long> WriteAsync(
        NpgsqlConnection connection, TenantTable table, string tenant, Stream file, CancellationToken cancellationToken)
    {
        var columns = string.Join(", ", table.Columns);
        await using var command = new NpgsqlCommand(
            $"""
            SELECT (SELECT to_jsonb(r)::text FROM (SELECT {columns}) r), j.request, j.outputs
            FROM {table.Name} j WHERE {table.IsTenants}
            """,
            connection)
        {
            CommandTimeout = 0,
        };
        command.Parameters.AddWithValue(tenant);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var (rows, line) = (0L, new ArrayBufferWriter<byte>());
        while (await row.ReadAsync(cancellationToken))
        {
            line.ResetWrittenCount();
            Write(
                line,
                row.GetString(0),
                Inputs(await row.IsDBNullAsync(1, cancellationToken) ? null : await row.GetFieldValueAsync<byte[]>(1, cancellationToken)),
                Outputs(await row.IsDBNullAsync(2, cancellationToken) ? null : await row.GetFieldValueAsync<byte[]>(2, cancellationToken)));
            await TenantExport.WriteLineAsync(file, line.WrittenMemory, cancellationToken);
            rows++;
        }

        return rows;
    }

    private static void Write(ArrayBufferWriter<byte> line, string facts, Tensor[]? inputs, Tensor[]? outputs)
    {
        using var columns = JsonDocument.Parse(facts);
        using var writer = new Utf8JsonWriter(line);
        writer.WriteStartObject();
        foreach (var column in columns.RootElement.EnumerateObject())
        {
            column.WriteTo(writer);
        }

        Write(writer, "inputs", inputs);
        Write(writer, "outputs", outputs);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, string name, Tensor[]? tensors)
    {
        if (tensors is null)
        {
            writer.WriteNull(name);
            return;
        }

        writer.WriteStartArray(name);
        foreach (var tensor in tensors)
        {
            writer.WriteStartObject();
            writer.WriteString("name", tensor.Name);
            writer.WriteString("datatype", tensor.Datatype.Name());
            writer.WriteStartArray("shape");
            foreach (var dimension in tensor.Shape)
            {
                writer.WriteNumberValue(dimension);
            }

            writer.WriteEndArray();
            writer.WriteBase64String("raw", tensor.Data.Span);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    // What another release wrote and this one can't read is as good as gone; it must not break the export.
    private static Tensor[]? Inputs(byte[]? message) => message is null ? null : Readable(() => RequestCodec.Decode(message).Inputs);

    private static Tensor[]? Outputs(byte[]? message) =>
        message is null ? null : Readable(() => ReplyBatch.Read(message) is [var reply, ..] ? reply.Outputs : null);

    private static Tensor[]? Readable(Func<Tensor[]?> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
