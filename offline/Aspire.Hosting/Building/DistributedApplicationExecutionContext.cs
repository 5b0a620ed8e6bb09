namespace Aspire.Hosting;

/// <summary>What is done with the application.</summary>
public enum DistributedApplicationOperation
{
    Run,
    Publish,
}

/// <summary>What is done with the application, and by which publisher.</summary>
public class DistributedApplicationExecutionContext(DistributedApplicationOperation operation, string publisherName)
{
    public DistributedApplicationExecutionContext(DistributedApplicationOperation operation)
        : this(operation, "manifest")
    {
    }

    public DistributedApplicationOperation Operation { get; } = operation;
    public string PublisherName { get; set; } = publisherName;
    public bool IsRunMode => Operation == DistributedApplicationOperation.Run;
    public bool IsPublishMode => Operation == DistributedApplicationOperation.Publish;
}
