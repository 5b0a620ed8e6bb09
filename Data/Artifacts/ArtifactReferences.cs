using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Data.Artifacts;

/// <summary>
/// Which artifacts there are, within the caller's transaction: an artifact comes with the first version that refers to
/// it and goes with the last. Its row is locked for both, so that the two can't miss each other.
/// </summary>
public static class ArtifactReferences
{
    /// <summary>Makes a staged blob the artifact of its content.</summary>
    /// <returns>False where the content was there already: the staged blob is to be discarded after the commit.</returns>
    public static async Task<bool> CommitAsync(
        InferenceDbContext database, StagedArtifact staged, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // The update changes nothing; it takes the lock that a concurrent removal waits for.
        var kept = await database.Database.SqlQuery<Guid>($"""
            INSERT INTO artefacts (sha256, size_bytes, blob, created_at) VALUES ({staged.Sha256}, {staged.SizeBytes}, {staged.Blob}, {now})
            ON CONFLICT (sha256) DO UPDATE SET sha256 = EXCLUDED.sha256 RETURNING blob AS "Value"
            """).ToListAsync(cancellationToken);
        if (kept[0] != staged.Blob)
        {
            return false;
        }

        await database.LooseBlobs.Where(l => l.Blob == staged.Blob).ExecuteDeleteAsync(cancellationToken);
        return true;
    }

    /// <summary>Removes an artifact that no version refers to any more; the caller's deletions must have been saved.</summary>
    /// <returns>The blob to discard after the commit; null where the artifact is still needed.</returns>
    public static async Task<Guid?> ReleaseAsync(
        InferenceDbContext database, string sha256, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var blobs = await database.Database.SqlQuery<Guid>(
            $"""SELECT blob AS "Value" FROM artefacts WHERE sha256 = {sha256} FOR UPDATE""").ToListAsync(cancellationToken);

        // A statement of its own: it sees what was committed while the lock was waited for.
        if (blobs is not [var blob]
            || await database.ModelVersions.AnyAsync(v => v.Sha256 == sha256 && v.DeletedAt == null, cancellationToken))
        {
            return null;
        }

        await database.Artifacts.Where(a => a.Sha256 == sha256).ExecuteDeleteAsync(cancellationToken);
        database.LooseBlobs.Add(new LooseBlob { Blob = blob, RemoveAfter = now });
        await database.SaveChangesAsync(cancellationToken);
        return blob;
    }
}
