"""The provider Azure AI Foundry."""
