using System.Globalization;
using System.Text;

namespace InferenceTemplate.Api.Usage;

/// <summary>A month's statement as CSV (RFC 4180): a line for each model version, or for each of its days, and the total.</summary>
internal static class Statement
{
    // Columns are added behind the others: who reads them by their place finds them there.
    private const string Header =
        "tenant,month,day,model,version,requests,failures,cached,jobs,device_seconds,cost,currency,prompt_tokens,completion_tokens\r\n";

    // Names of models and tenants hold neither commas nor quotes, and begin with a letter or digit: nothing to escape.
    public static byte[] Write(DateOnly month, IReadOnlyCollection<UsageRow> rows, string currency)
    {
        var csv = new StringBuilder(Header);
        foreach (var row in rows)
        {
            var day = row.Start?.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            Line(csv, row.Tenant, month, day, row.Model, row.Version, UsageSums.Of(row), currency);
        }

        Line(csv, "total", month, null, null, null, UsageSums.Total(rows), currency);
        return Encoding.UTF8.GetBytes(csv.ToString());
    }

    private static void Line(
        StringBuilder csv, string? tenant, DateOnly month, string? day, string? model, string? version, UsageSums sums, string currency) =>
        csv.Append(
            CultureInfo.InvariantCulture,
            $"{tenant},{month:yyyy-MM},{day},{model},{version},{sums.Requests},{sums.Failures},{sums.Cached},{sums.Jobs},{sums.DeviceSeconds},")
            .Append(CultureInfo.InvariantCulture, $"{sums.Cost},{currency},{sums.PromptTokens},{sums.CompletionTokens}\r\n");
}
