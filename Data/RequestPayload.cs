using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace InferenceTemplate.Data;

/// <summary>What was sent and answered in a request, where its model's settings say that it is kept.</summary>
public sealed class RequestPayload
{
    /// <summary>That of its <see cref="Prediction"/>.</summary>
    public Guid Id { get; init; }

    public required string TenantId { get; init; }

    public required string Model { get; init; }

    public DateTimeOffset ReceivedAt { get; init; }

    /// <summary>From then on nobody gets it, and retention deletes it.</summary>
    public DateTimeOffset ExpiresAt { get; init; }

    /// <summary>A CloudEvent in JSON.</summary>
    public required byte[] Envelope { get; init; }

    internal static void Describe(EntityTypeBuilder<RequestPayload> payload)
    {
        payload.ToTable("request_payloads");
        payload.Property(p => p.Id).ValueGeneratedNever();
        payload.Property(p => p.TenantId).HasMaxLength(64);
        payload.Property(p => p.Model).HasMaxLength(128);
        payload.HasIndex(p => new { p.TenantId, p.ExpiresAt });
        payload.HasIndex(p => new { p.TenantId, p.ReceivedAt });
    }
}
