using Npgsql;

namespace InferenceTemplate.Api.Idempotency;

/// <summary>
/// A request with an idempotency key, for a handler that accepts work which outlives its answer: that the work is the key's is written in
/// the transaction that accepts it. A feature of the request.
/// </summary>
internal sealed class IdempotentRequest(IdempotencyScope scope, Guid token, HashingStream body, Guid? batch)
{
    /// <summary>What an earlier attempt accepted whose answer was lost.</summary>
    public Guid? Batch => batch;

    /// <summary>Reads what is left of the body, which is part of what was asked.</summary>
    public Task ReadToEndAsync(CancellationToken cancellationToken) => body.DrainAsync(IdempotencyMiddleware.MaxDrain, cancellationToken);

    /// <summary>To be called once the body is read, in the transaction that accepts the batch.</summary>
    /// <exception cref="IdempotencyKeyLostException">Another attempt has the key by now: nothing may be accepted.</exception>
    public async Task AcceptAsync(NpgsqlConnection connection, Guid accepted)
    {
        if (!await IdempotencyStore.AcceptAsync(connection, scope, token, new(accepted, body.Fingerprint(), body.BytesRead)))
        {
            throw new IdempotencyKeyLostException();
        }
    }
}

/// <summary>Another attempt took the key over: this one was silent for longer than the lock lasts.</summary>
internal sealed class IdempotencyKeyLostException() : Exception("another request with the key is in flight: try again when it is answered");
