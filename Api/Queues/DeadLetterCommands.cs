using System.CommandLine;
using System.Text.Json;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Queues;

/// <summary><c>admin dead-letters list|requeue|purge MODEL VERSION</c>. Output is JSON, one object a line.</summary>
internal static class DeadLetterCommands
{
    private const int PageSize = 100;

    private static readonly Argument<string> Model = new("model") { Description = "Name of the model." };
    private static readonly Argument<string> Version = new("version") { Description = "Version of the model." };
    private static readonly Option<string> Id = new("--id") { Description = "Only the dead letter of this id." };

    public static Command Create(IServiceProvider services) => new("dead-letters", "Requests that were given up.")
    {
        Verb("list", "Shows them, without their data.", services, (letters, _, queue, _) => ListAsync(letters, queue)),
        Verb(
            "requeue",
            "Puts them back into their queue.",
            services,
            async (letters, audit, queue, id) =>
                await QueueEndpoints.GoneAsync(services.GetRequiredService<ModelCatalog>(), queue, CancellationToken.None) is { } gone
                    ? Failed($"{gone}: nothing is put back")
                    : await RequeueAsync(letters, audit, queue, id),
            Id),
        Verb("purge", "Throws them away.", services, PurgeAsync, Id),
    };

    private static Command Verb(
        string name, string description, IServiceProvider services, Func<DeadLetters, AuditLog, QueueName, string?, Task<int>> run,
        Option<string>? id = null)
    {
        var command = new Command(name, description) { Model, Version };
        if (id is not null)
        {
            command.Add(id);
        }

        command.SetAction(async (parsed, _) =>
        {
            try
            {
                var queue = new QueueName(parsed.GetRequiredValue(Model), parsed.GetRequiredValue(Version));
                return await run(services.GetRequiredService<DeadLetters>(), services.GetRequiredService<AuditLog>(), queue,
                    id is null ? null : parsed.GetValue(id));
            }
            catch (QueueUnavailableException exception)
            {
                await Console.Error.WriteLineAsync($"{exception.Message} {exception.InnerException!.Message}");
                return 1;
            }
        });
        return command;
    }

    private static async Task<int> ListAsync(DeadLetters letters, QueueName queue)
    {
        string? after = null;
        while (await letters.ListAsync(queue, after, PageSize) is { Count: > 0 } page)
        {
            foreach (var letter in page)
            {
                Console.WriteLine(JsonSerializer.Serialize(DeadLetterView.Of(letter), ApiJson.Default.DeadLetterView));
            }

            after = page[^1].Id;
        }

        return 0;
    }

    private static async Task<int> RequeueAsync(DeadLetters letters, AuditLog audit, QueueName queue, string? id)
    {
        if (id is null)
        {
            var all = await letters.RequeueAllAsync(queue);
            audit.Record(DeadLetterAudit.Requeued(null, queue, all));
            return Done(new RequeuedCount(all));
        }

        var outcome = DeadLetters.IsId(id) ? await letters.RequeueAsync(queue, id) : RequeueOutcome.Unknown;
        if (outcome == RequeueOutcome.Requeued)
        {
            audit.Record(DeadLetterAudit.Requeued(null, queue, 1, id));
        }

        return outcome switch
        {
            RequeueOutcome.Requeued => Done(new RequeuedCount(1)),
            RequeueOutcome.Full => Failed($"The queue of {queue} has no room now."),
            _ => Failed($"There is no dead letter '{id}' of {queue} that could be used."),
        };
    }

    private static async Task<int> PurgeAsync(DeadLetters letters, AuditLog audit, QueueName queue, string? id)
    {
        if (id is null)
        {
            var all = await letters.PurgeAllAsync(queue);
            audit.Record(DeadLetterAudit.Purged(null, queue, all));
            Console.WriteLine(JsonSerializer.Serialize(new PurgedCount(all), ApiJson.Default.PurgedCount));
            return 0;
        }

        var purged = DeadLetters.IsId(id) && await letters.PurgeAsync(queue, id);
        if (!purged)
        {
            return Failed($"There is no dead letter '{id}' of {queue}.");
        }

        audit.Record(DeadLetterAudit.Purged(null, queue, 1, id));
        return 0;
    }

    private static int Done(RequeuedCount count)
    {
        Console.WriteLine(JsonSerializer.Serialize(count, ApiJson.Default.RequeuedCount));
        return 0;
    }

    private static int Failed(string message)
    {
        Console.Error.WriteLine(message);
        return 1;
    }
}
