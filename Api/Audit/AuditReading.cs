using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Audit;

/// <summary>An entry with what of it can be forgotten.</summary>
internal sealed record AuditLink(AuditEntry Entry, AuditDetails? Details, AuditActor? Actor);

/// <summary>What one pass over the chain has seen so far. Its memory grows with erased tenants only.</summary>
internal sealed class AuditReading(AuditHead? kept)
{
    // Something of a tenant is gone: only right if its erasure stands later in the chain.
    private readonly Dictionary<string, long> _goneOf = new(StringComparer.Ordinal);

    private long _last;
    private byte[] _hash = AuditHashes.Beginning;
    private long _entries;
    private long _erased;
    private AuditHead? _missing;
    private long? _pruned;
    private string? _keptHead;

    /// <summary>Compares the next entry; what is wrong with it, or null.</summary>
    public AuditFault? Next(AuditLink link)
    {
        var entry = link.Entry;
        if (_entries == 0 && entry.Sequence > 1)
        {
            // The beginning was pruned, if an entry further on says so.
            _missing = AuditHead.Of(entry.Sequence - 1, entry.PreviousHash);
            (_last, _hash) = (entry.Sequence - 1, entry.PreviousHash);
            _keptHead = kept?.Sequence < _last ? "pruned" : null;
            if (Compare(_last, _hash) is { } other)
            {
                return other;
            }
        }

        if (entry.Sequence != _last + 1)
        {
            return new(_last + 1, $"it is missing: {entry.Sequence} follows {_last}");
        }

        if (!entry.PreviousHash.AsSpan().SequenceEqual(_hash))
        {
            return new(entry.Sequence, "it does not follow from the entry before it");
        }

        if (!entry.Hash.AsSpan().SequenceEqual(AuditHashes.OfEntry(entry)))
        {
            return new(entry.Sequence, "it is not what was recorded: its hash is another");
        }

        if ((Details(link) ?? Actor(link) ?? Compare(entry.Sequence, entry.Hash)) is { } fault)
        {
            return fault;
        }

        (_last, _hash) = (entry.Sequence, entry.Hash);
        _entries++;
        Understand(entry);
        return null;
    }

    /// <summary>What can only be said at the end.</summary>
    public AuditFault? Last()
    {
        if (_missing is { } missing)
        {
            return new(1, $"entries 1 to {missing.Sequence} are gone, and no entry says that they were pruned");
        }

        if (_goneOf.Count > 0)
        {
            var (tenant, sequence) = _goneOf.MinBy(g => g.Value);
            return new(
                sequence, $"the actor's name or the details are gone, and no later entry says that the tenant '{tenant}' was erased");
        }

        return kept is { Sequence: > 0 } head && _keptHead is null
            ? new(_last + 1, $"the chain ends at {_last}, but had reached {head.Sequence} when the given head was kept")
            : null;
    }

    public AuditVerification End(AuditFault? fault) =>
        new(fault is null, _entries, AuditHead.Of(_last, _hash), fault, _pruned, _erased, _keptHead);

    private void Understand(AuditEntry entry)
    {
        if (entry is { Action: AuditActions.TenantErased, Subject: { } tenant })
        {
            _goneOf.Remove(tenant);
        }
        else if (entry.Action == AuditActions.Pruned && _missing is { } missing && entry.Subject == missing.ToString())
        {
            (_pruned, _missing) = (missing.Sequence, null);
        }
    }

    private AuditFault? Details(AuditLink link)
    {
        var (entry, details, _) = link;
        return (entry.DetailsDigest, details) switch
        {
            (null, null) => null,
            (null, _) => new(entry.Sequence, "it was recorded without details and has some"),
            (_, null) => Gone(entry.Sequence, entry.TenantId, "its details are gone, and it is no tenant's"),
            _ => AuditHashes.OfDetails(details.Salt, details.Facts).AsSpan().SequenceEqual(entry.DetailsDigest)
                ? null
                : new(entry.Sequence, "its details are not what was recorded"),
        };
    }

    private AuditFault? Actor(AuditLink link) => link.Actor switch
    {
        null => new(link.Entry.Sequence, "its actor is gone"),
        { Name: { } name, Salt: { } salt } actor => AuditHashes.OfActor(salt, actor.TenantId, name) == link.Entry.ActorId
            ? null
            : new(link.Entry.Sequence, "its actor's name is not what was recorded"),
        { TenantId: var tenant } => Gone(link.Entry.Sequence, tenant, "its actor's name is gone, and it was no tenant's"),
    };

    private AuditFault? Gone(long sequence, string? tenant, string otherwise)
    {
        if (tenant is null)
        {
            return new(sequence, otherwise);
        }

        _erased++;
        _goneOf.TryAdd(tenant, sequence);
        return null;
    }

    private AuditFault? Compare(long sequence, byte[] hash)
    {
        if (kept is null || kept.Sequence != sequence)
        {
            return null;
        }

        if (!string.Equals(AuditHead.Of(sequence, hash).Hash, kept.Hash, StringComparison.OrdinalIgnoreCase))
        {
            return new(sequence, "its hash is not the one of the given head");
        }

        _keptHead = "matched";
        return null;
    }
}
