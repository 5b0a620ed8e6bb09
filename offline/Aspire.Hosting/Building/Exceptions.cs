namespace Aspire.Hosting;

/// <summary>The application cannot be built, started or published; the message says why and what to do.</summary>
public class DistributedApplicationException : Exception
{
    public DistributedApplicationException()
    {
    }

    public DistributedApplicationException(string message)
        : base(message)
    {
    }

    public DistributedApplicationException(string message, Exception inner)
        : base(message, inner)
    {
    }
}

/// <summary>A parameter has neither a configured value nor a default.</summary>
public sealed class MissingParameterValueException(string message) : DistributedApplicationException(message);
