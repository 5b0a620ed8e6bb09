using InferenceTemplate.Api.DataRights;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;

namespace InferenceTemplate.Api.Retention;

/// <summary>How long the rows of a table are kept.</summary>
/// <param name="TimeColumn">What counts; rows where it is null are kept.</param>
/// <param name="TenantColumn">Says whose a row is; null for a table of the platform.</param>
/// <param name="IsTenants">Whether a tenant's own number of days goes before <paramref name="Days"/>.</param>
/// <param name="IsById">
/// Whether rows are found by their ids, which sort by when they were made: no index is kept for a time that is set with each row's end.
/// </param>
/// <param name="Parts">Tables whose rows go with them, and the columns that have their ids.</param>
public sealed record RetentionRule(
    string Table, string TimeColumn, string? TenantColumn, int Days, bool IsTenants, bool IsById,
    IReadOnlyList<(string Table, string Column)> Parts)
{
    /// <summary>The rules of the tables that there are.</summary>
    public static IReadOnlyList<RetentionRule> All(IModel model, RetentionOptions options)
    {
        (string Table, string Column, int Days, bool IsTenants)[] wanted =
        [
            ("predictions", "received_at", options.PredictionDays, true),
            ("jobs", "finished_at", options.JobDays, true),
            ("batches", "finished_at", options.BatchDays, true),
            ("shadow_comparisons", "compared_at", options.ShadowComparisonDays, false),

            // Each row says itself how long it is kept; a tenant's own number may be smaller.
            ("request_payloads", "expires_at", 0, false),
            ("request_payloads", "received_at", PayloadSettings.MaxRetentionDays, true),
            ("drift_windows", "ended_at", options.DriftDays, false),
            ("usage_hours", "hour", options.UsageDays, false),
        ];
        return
        [
            .. from want in wanted
               let entity = model.GetEntityTypes().SingleOrDefault(e => e.GetTableName() == want.Table)
               where entity is not null && entity.GetProperties().Any(p => p.GetColumnName() == want.Column)
               select new RetentionRule(
                   want.Table,
                   want.Column,
                   entity.FindProperty(nameof(Prediction.TenantId))?.GetColumnName(),
                   want.Days,
                   want.IsTenants,
                   want.Column == "finished_at",
                   [.. TenantTable.Parts(entity).Select(part => (part.GetTableName()!, TenantTable.PartColumn(part, entity)))]),
        ];
    }
}
