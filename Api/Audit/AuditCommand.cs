using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace InferenceTemplate.Api.Audit;

/// <summary><c>admin audit verify [--head SEQUENCE:HASH]</c> and <c>admin audit head</c>. Output is JSON.</summary>
internal static class AuditCommand
{
    private static readonly Option<string> Kept = new("--head") { Description = "A head that was kept: sequence:hash." };

    public static Command Create(IServiceProvider services)
    {
        var verify = new Command("verify", "Reads the whole chain; fails where it is not what was recorded.") { Kept };
        verify.SetAction((parsed, cancellationToken) => VerifyAsync(services, parsed.GetValue(Kept), cancellationToken));
        var head = new Command("head", "The last entry: keep it elsewhere, for --head.");
        head.SetAction((_, cancellationToken) => HeadAsync(services, cancellationToken));
        return new Command("audit", "The audit chain.") { verify, head };
    }

    private static async Task<int> VerifyAsync(IServiceProvider services, string? kept, CancellationToken cancellationToken)
    {
        AuditHead? head = null;
        if (kept is not null && !TryParse(kept, out head))
        {
            await Console.Error.WriteLineAsync($"--head '{kept}' is not a head: a sequence, a colon and 64 hex digits are expected.");
            return 2;
        }

        var found = await services.GetRequiredService<AuditVerifier>().VerifyAsync(head, cancellationToken);
        Console.WriteLine(JsonSerializer.Serialize(found, AuditJson.Default.AuditVerification));
        return found.Valid ? 0 : 1;
    }

    private static async Task<int> HeadAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        Console.WriteLine((await services.GetRequiredService<AuditChain>().HeadAsync(cancellationToken)).ToString());
        return 0;
    }

    private static bool TryParse(string text, out AuditHead? head)
    {
        head = text.Split(':') is [var sequence, var hash]
            && long.TryParse(sequence, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && AuditHead.IsHash(hash)
            ? new AuditHead(number, hash)
            : null;
        return head is not null;
    }
}
