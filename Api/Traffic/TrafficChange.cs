using System.Globalization;
using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Api.Traffic;

/// <summary>What a policy says that the one before it did not, in words: the reason of a decision of somebody who gives none.</summary>
internal static class TrafficChange
{
    /// <param name="after">Null where the policy was cleared.</param>
    public static string Of(TrafficPolicy before, TrafficPolicy? after)
    {
        List<string?> changes =
        [
            before.Stable == after?.Stable ? null
                : after?.Stable is { } stable ? $"stable {stable}{Instead(before.Stable)}"
                : $"the highest version is stable{Instead(before.Stable)}",
            Trial("canary", (before.Canary?.Version, before.Canary?.Weight), (after?.Canary?.Version, after?.Canary?.Weight)),
            Trial("shadow", (before.Shadow?.Version, before.Shadow?.Sample), (after?.Shadow?.Version, after?.Shadow?.Sample)),
            before.Canary is not null && after?.Canary is not null && before.Canary.Sticky != after.Canary.Sticky
                ? after.Canary.Sticky ? "keys stay on one version" : "keys move between versions" : null,
            after?.Canary is not null && before.Canary is not null && before.Rollback != after.Rollback
                ? after.Rollback is null ? "no automatic rollback" : "another rule of the rollback" : null,
        ];
        changes.RemoveAll(change => change is null);
        return changes.Count > 0 ? string.Join(", ", changes) : "as it was";
    }

    private static string? Trial(string what, (string? Version, double? Share) before, (string? Version, double? Share) after) =>
        before == after ? null
        : after.Version is null ? $"{what} {before.Version} at {Percent(before.Share)} ended"
        : before.Version is null ? $"{what} {after.Version} at {Percent(after.Share)}"
        : before.Version == after.Version ? $"{what} {after.Version} at {Percent(after.Share)}{Instead(Percent(before.Share))}"
        : $"{what} {after.Version} at {Percent(after.Share)}{Instead(before.Version)}";

    private static string? Instead(string? before) => before is null ? null : $" instead of {before}";

    private static string Percent(double? share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.##} %");
}
